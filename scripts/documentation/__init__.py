"""What of the documentation's site is made from the code when it is built: the reference, and page_tables."""
