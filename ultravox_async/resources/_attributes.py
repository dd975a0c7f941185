"""One attribute for each resource that is loaded when it is first used."""

from ultravox_async import resources
from ultravox_async._http.transport import Transport


class ResourceAttributes:
    """The resources of a client; each access makes a new one, which costs less than a microsecond."""

    _transport: Transport

    @property
    def accounts(self) -> "resources.Accounts":
        """The account, what it uses and what it pays."""
        return resources.Accounts(self._transport)

    @property
    def agents(self) -> "resources.Agents":
        """The agents of the account, and their scheduled batches."""
        return resources.Agents(self._transport)

    @property
    def api_keys(self) -> "resources.ApiKeys":
        """The API keys of the user."""
        return resources.ApiKeys(self._transport)

    @property
    def call_throttles(self) -> "resources.CallThrottles":
        """The call throttles of the account."""
        return resources.CallThrottles(self._transport)

    @property
    def calls(self) -> "resources.Calls":
        """The calls of the account."""
        return resources.Calls(self._transport)

    @property
    def corpora(self) -> "resources.Corpora":
        """The corpora of the account, and their sources."""
        return resources.Corpora(self._transport)

    @property
    def deleted_calls(self) -> "resources.DeletedCalls":
        """What is left of deleted calls."""
        return resources.DeletedCalls(self._transport)

    @property
    def models(self) -> "resources.Models":
        """The models that can be chosen for a call."""
        return resources.Models(self._transport)

    @property
    def schema(self) -> "resources.Schema":
        """The schema of the API."""
        return resources.Schema(self._transport)

    @property
    def telephony(self) -> "resources.Telephony":
        """The configurations of telephony providers."""
        return resources.Telephony(self._transport)

    @property
    def tools(self) -> "resources.Tools":
        """The tools that the account can use."""
        return resources.Tools(self._transport)

    @property
    def voices(self) -> "resources.Voices":
        """The voices that the account can use."""
        return resources.Voices(self._transport)

    @property
    def webhooks(self) -> "resources.Webhooks":
        """The webhooks of the account."""
        return resources.Webhooks(self._transport)
