"""What the doctor looks at (`checks`), how each answer is judged (`judging`), and what there is to say (`causes`)."""
