"""Who may do what: hosts, origins, sessions, accounts, roles."""
