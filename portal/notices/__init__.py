"""What is and was made public (公示), as everybody may read it: lists, one page, its later changes."""
