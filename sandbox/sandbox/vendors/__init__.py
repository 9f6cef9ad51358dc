"""One module a vendor: its addresses and answers as its documentation has them."""
