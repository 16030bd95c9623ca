"""`aisle explore`: a page on this machine to look at recommendations and at what they rest on."""
