"""Bytes in, bytes out: photos, clips and sound, without any policy."""
