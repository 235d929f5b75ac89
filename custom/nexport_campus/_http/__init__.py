"""One HTTP attempt: connections, bodies, and what belongs to one event loop. Only here are httpx and httpcore used directly."""
