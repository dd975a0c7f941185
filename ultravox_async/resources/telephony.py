"""The configurations of telephony providers: ``ultravox.telephony``."""

from typing import Final, Unpack

from ultravox_async._http.transport import Transport
from ultravox_async.resources._base import Resource
from ultravox_async.types.telephony import (
    NewPlivoConfig,
    NewTelnyxConfig,
    NewTwilioConfig,
    PlivoConfig,
    PlivoConfigChanges,
    TelnyxConfig,
    TelnyxConfigChanges,
    TwilioConfig,
    TwilioConfigChanges,
)

_PLIVO: Final = "/api/telephony_configs/plivo"
_TELNYX: Final = "/api/telephony_configs/telnyx"
_TWILIO: Final = "/api/telephony_configs/twilio"


class Plivo(Resource):
    """The configuration of Plivo: ``ultravox.telephony.plivo``."""

    async def get(self) -> PlivoConfig:
        """Fetch the configuration.

        Raises:
            NotFoundError: There is none.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _PLIVO, PlivoConfig)

    async def create(self, **config: Unpack[NewPlivoConfig]) -> PlivoConfig:
        """Create the configuration.

        Args:
            **config: The fields of `NewPlivoConfig`.

        Raises:
            TypeError: A field does not exist, or a required one is missing; nothing was sent.
            InvalidRequestError: A field exceeds its limit; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _PLIVO, PlivoConfig, NewPlivoConfig, config)

    async def update(self, **changes: Unpack[PlivoConfigChanges]) -> PlivoConfig:
        """Change the configuration: omitted fields keep their value.

        Args:
            **changes: The fields of `PlivoConfigChanges`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: There is no change, or a field exceeds its limit; nothing was sent.
            NotFoundError: There is no configuration.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PATCH", _PLIVO, PlivoConfig, PlivoConfigChanges, changes)

    async def delete(self) -> None:
        """Delete the configuration.

        Raises:
            NotFoundError: There is none, or a first attempt whose response was lost deleted it.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        await self._delete(_PLIVO)


class Telnyx(Resource):
    """The configuration of Telnyx: ``ultravox.telephony.telnyx``."""

    async def get(self) -> TelnyxConfig:
        """Fetch the configuration.

        Raises:
            NotFoundError: There is none.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _TELNYX, TelnyxConfig)

    async def create(self, **config: Unpack[NewTelnyxConfig]) -> TelnyxConfig:
        """Create the configuration.

        Args:
            **config: The fields of `NewTelnyxConfig`.

        Raises:
            TypeError: A field does not exist, or a required one is missing; nothing was sent.
            InvalidRequestError: A field exceeds its limit; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _TELNYX, TelnyxConfig, NewTelnyxConfig, config)

    async def update(self, **changes: Unpack[TelnyxConfigChanges]) -> TelnyxConfig:
        """Change the configuration: omitted fields keep their value.

        Args:
            **changes: The fields of `TelnyxConfigChanges`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: There is no change, or a field exceeds its limit; nothing was sent.
            NotFoundError: There is no configuration.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PATCH", _TELNYX, TelnyxConfig, TelnyxConfigChanges, changes)

    async def delete(self) -> None:
        """Delete the configuration.

        Raises:
            NotFoundError: There is none, or a first attempt whose response was lost deleted it.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        await self._delete(_TELNYX)


class Twilio(Resource):
    """The configuration of Twilio: ``ultravox.telephony.twilio``."""

    async def get(self) -> TwilioConfig:
        """Fetch the configuration.

        Raises:
            NotFoundError: There is none.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _TWILIO, TwilioConfig)

    async def create(self, **config: Unpack[NewTwilioConfig]) -> TwilioConfig:
        """Create the configuration.

        Args:
            **config: The fields of `NewTwilioConfig`.

        Raises:
            TypeError: A field does not exist, or a required one is missing; nothing was sent.
            InvalidRequestError: A field exceeds its limit; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _TWILIO, TwilioConfig, NewTwilioConfig, config)

    async def update(self, **changes: Unpack[TwilioConfigChanges]) -> TwilioConfig:
        """Change the configuration: omitted fields keep their value.

        Args:
            **changes: The fields of `TwilioConfigChanges`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: There is no change, or a field exceeds its limit; nothing was sent.
            NotFoundError: There is no configuration.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PATCH", _TWILIO, TwilioConfig, TwilioConfigChanges, changes)

    async def delete(self) -> None:
        """Delete the configuration.

        Raises:
            NotFoundError: There is none, or a first attempt whose response was lost deleted it.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        await self._delete(_TWILIO)


class Telephony(Resource):
    """The configurations of telephony providers: ``ultravox.telephony``."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.plivo = Plivo(transport)
        self.telnyx = Telnyx(transport)
        self.twilio = Twilio(transport)
