"""What a caption asks for: `Directions`, parsed from the person's own words."""
