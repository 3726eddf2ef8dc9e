"""Cases: every act on them, one transaction each, and what they are made of."""
