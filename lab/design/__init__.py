"""What to ask of hosts: experiments, in which order their trials run, when enough is known."""
