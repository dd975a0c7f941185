"""The command ``ultravox``, for people with a terminal; `pip install 'ultravox-async[cli]'` installs what it needs.

It is a user of `ultravox_async` as any other, and stands beside that package and not inside it: whatever is imported
from inside brings aiohttp with it, and ``ultravox --help`` has to be quick.
"""
