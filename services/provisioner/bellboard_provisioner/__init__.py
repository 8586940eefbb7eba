"""The provisioner: keys, accounts, streams and consumers for any number of teams."""
