"""The doors of the whatsapp app: the signup, the connections, and what Meta obliges us to answer."""
