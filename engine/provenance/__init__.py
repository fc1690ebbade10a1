"""The marks by which a clip is recognised: label, credentials."""
