"""What buyers did, reported to Meta's pixel from server to server: normalised, hashed, once each."""
