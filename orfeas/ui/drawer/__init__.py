"""The engines drawer: every engine in a row, and fetching the weights of those that lack them."""
