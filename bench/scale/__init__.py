"""`scale`: what stays as it is while the database grows, and what does not."""
