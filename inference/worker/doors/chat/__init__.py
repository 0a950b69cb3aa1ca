"""`/api/chat`: the protocol of the Moshi server, for the clients that were written for it."""
