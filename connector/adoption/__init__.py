"""What stood in a catalog before us: read, recognised, and adopted, replaced or left alone, as the merchant decides."""
