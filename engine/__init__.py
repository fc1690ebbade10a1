"""Everything about a job, from admitted photo to signed clip."""
