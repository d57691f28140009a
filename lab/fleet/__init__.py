"""Many hosts at once, through Ansible: provision, run, fetch, restore."""
