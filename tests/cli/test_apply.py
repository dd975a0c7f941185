import asyncio
import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.ctrl_c import CtrlC, ctrl_c_works, defaults_of
from tests.cli.running import Result, ultravox
from tests.security.canaries import PASSWORD, texts_of, traces
from ultravox_async import APIConnectionError, AsyncUltravox, BadRequestError, SipRegistration
from ultravox_async.testing import Delay, DropResponse, Emulator, Respond
from ultravox_async_cli.apply.plan import plan_of
from ultravox_async_cli.apply.registrations_file import Password, Row
from ultravox_async_cli.apply.steps import Execution, Results

HEADER = "username,proxy,outboundProxy,password\n"


@pytest.fixture
def ultravox_emulator_settings() -> dict[str, object]:
    return {"registrations": 3, "requests_per_second": None}


class Account:
    """An emulated account, and a file to apply to it."""

    def __init__(self, emulator: Emulator, file: Path) -> None:
        self.emulator = emulator
        self.file = file

    def apply(self, *words: str, **variables: str) -> Result:
        environment = {"ULTRAVOX_API_KEY": self.emulator.api_key, "ULTRAVOX_BASE_URL": self.emulator.base_url}
        return ultravox("sip", "registrations", "apply", str(self.file), *words, env={**environment, **variables})

    def write(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")

    @property
    def registrations(self) -> list[SipRegistration]:
        async def listed() -> list[SipRegistration]:
            async with AsyncUltravox(self.emulator.api_key, base_url=self.emulator.base_url) as client:
                return [one async for one in client.sip.registrations.list()]

        return asyncio.run(listed())

    @property
    def state(self) -> Mapping[str, str | None]:
        return {one.username: one.outbound_proxy for one in self.registrations}

    @property
    def passwords(self) -> Mapping[str, str]:
        return {one.username: self.emulator.password_of(one.registration_id) for one in self.registrations}

    def sent(self, method: str) -> list[Any]:
        return [json.loads(one.body or b"null") for one in self.emulator.requests if one.method == method]


@pytest.fixture
def account(ultravox_emulator: Emulator, tmp_path: Path) -> Account:
    return Account(ultravox_emulator, tmp_path / "registrations.csv")


THREE = (
    HEADER
    + "user-000000,sip-0.example.com,edge.example.com,\n"
    + "user-000001,sip-1.example.com,,\n"
    + "ann,sip.example.com,edge.example.com,pw-of-ann\n"
)


def test_the_plan_says_what_is_created_updated_and_kept(account: Account) -> None:
    account.write(THREE)
    result = account.apply("--dry-run")
    assert result.out.splitlines() == [
        "+ create  ann at sip.example.com  outboundProxy: null → edge.example.com  password: set  (line 4)",
        "~ update  user-000000 at sip-0.example.com  outboundProxy: null → edge.example.com  (line 2)",
    ]
    assert result.err == (
        "1 to create (+), 1 to update (~), 0 to delete (-), 1 unchanged (=), "
        "1 not in the file, which stay without --prune\n"
    )


def test_a_dry_run_needs_no_passwords_and_says_which_rows_lack_one(account: Account) -> None:
    account.write("username,proxy\nann,sip.example.com\n")
    result = account.apply("--dry-run")
    assert result.code == 0
    assert result.out == "+ create  ann at sip.example.com  password: missing  (line 2)\n"
    assert f"{account.file}: line 2: has no password\nadd a column password, or --password " in result.err


def test_a_password_from_elsewhere_is_not_missing(account: Account) -> None:
    account.write("username,proxy\nann,sip.example.com\n")
    result = account.apply("--dry-run", "--password", "env:SIP_PASSWORD", SIP_PASSWORD="shared")
    assert "password: set" in result.out


def test_a_dry_run_changes_nothing(account: Account) -> None:
    account.write(THREE)
    assert account.apply("--dry-run", "--prune").code == 0
    assert {one.method for one in account.emulator.requests} == {"GET"}


def test_the_plan_of_a_pruning_names_what_is_deleted(account: Account) -> None:
    account.write(THREE)
    key = account.emulator.registration_ids[2]
    assert account.apply("--dry-run", "--prune").out.splitlines()[-1] == (
        f"- delete  user-000002 at sip-2.example.com  ({key})"
    )


def test_the_plan_can_be_read_by_programs(account: Account) -> None:
    account.write(THREE)
    one, other = json.loads(account.apply("--dry-run", "--output", "json").out)
    assert (one["action"], one["line"], one["username"], one["setsPassword"]) == ("create", 4, "ann", True)
    assert (other["action"], other["registrationId"]) == ("update", account.emulator.registration_ids[0])
    assert other["changes"] == {"outboundProxy": {"from": None, "to": "edge.example.com"}}


def test_the_account_matches_the_file_afterwards(account: Account) -> None:
    account.write(THREE)
    result = account.apply("--prune", "--yes")
    assert (result.code, result.err.splitlines()[-1]) == (0, "1 created, 1 updated, 1 deleted")
    assert account.state == {"ann": "edge.example.com", "user-000000": "edge.example.com", "user-000001": None}
    assert account.passwords["ann"] == "pw-of-ann"


def test_an_empty_cell_clears_a_field(account: Account) -> None:
    account.write("username,proxy,authUser\nuser-000000,sip-0.example.com,auth\n")
    account.apply("--yes")
    account.write("username,proxy,authUser\nuser-000000,sip-0.example.com,\n")
    result = account.apply("--yes")
    assert result.out == "~ update  user-000000 at sip-0.example.com  authUser: auth → null  (line 2)\n"
    assert account.registrations[0].auth_user is None


def test_without_prune_nothing_is_deleted(account: Account) -> None:
    account.write(THREE)
    assert account.apply("--yes").code == 0
    assert "user-000002" in account.state


def test_a_second_run_has_nothing_to_do(account: Account) -> None:
    account.write(THREE)
    account.apply("--prune", "--yes")
    account.emulator.clear()
    result = account.apply("--prune")
    assert (result.code, result.out) == (0, "")
    assert [one.method for one in account.emulator.requests] == ["GET"]


def test_where_nobody_can_be_asked_the_plan_is_shown_and_not_carried_out(account: Account) -> None:
    account.write(THREE)
    result = account.apply()
    assert result.code == 2
    assert "+ create  ann" in result.out
    assert result.err.endswith("error: nobody can be asked here; --yes carries out the plan\n")
    assert account.sent("POST") == []


def test_a_step_that_fails_is_named_and_stops_only_deletions(account: Account) -> None:
    account.write(THREE)
    account.emulator.inject(Respond(400, body=b'{"username": ["Taken."]}'), times=1, method="POST")
    result = account.apply("--prune", "--yes")
    assert result.code == 1
    assert result.err.splitlines()[1:] == [
        "line 4, ann: 400 Bad Request: POST /api/sip/registrations: username: Taken.",
        "0 created, 1 updated, 0 deleted, 1 failed, 1 not reached",
        "The same command goes on from here.",
    ]
    assert account.state["user-000000"] == "edge.example.com"
    assert "user-000002" in account.state


def test_a_run_after_a_failure_completes_the_plan(account: Account) -> None:
    account.write(THREE)
    account.emulator.inject(Respond(400), times=1, method="POST")
    account.apply("--prune", "--yes")
    assert account.apply("--prune", "--yes").code == 0
    assert [*account.state] == ["user-000000", "user-000001", "ann"]


def test_a_creation_whose_answer_was_lost_is_not_repeated_by_the_next_run(account: Account) -> None:
    account.write(THREE)
    account.emulator.inject(DropResponse(), times=1, method="POST")
    assert account.apply("--yes").code == 1
    assert account.apply("--yes").code == 0
    assert sorted(one.username for one in account.registrations).count("ann") == 1


def test_a_registration_that_is_gone_already_counts_as_deleted(account: Account) -> None:
    account.write(THREE)
    account.emulator.inject(Respond(404), times=1, method="DELETE")
    result = account.apply("--prune", "--yes")
    assert (result.code, result.err.splitlines()[-1]) == (0, "1 created, 1 updated, 1 deleted")


def test_a_deletion_that_fails_is_named(account: Account) -> None:
    account.write(THREE)
    key = account.emulator.registration_ids[2]
    account.emulator.inject(Respond(403), method="DELETE")
    result = account.apply("--prune", "--yes")
    assert result.code == 3
    assert f"deleting {key}: 403 Forbidden: DELETE /api/sip/registrations/{key}\n" in result.err


def test_once_the_key_is_refused_nothing_more_is_sent(account: Account) -> None:
    account.write(HEADER + "".join(f"ann-{number},sip.example.com,,pw\n" for number in range(20)))
    account.emulator.inject(Respond(401), method="POST")
    result = account.apply("--yes", "--concurrency", "1")
    assert (result.code, len(account.sent("POST"))) == (3, 1)
    assert "0 created, 0 updated, 0 deleted, 1 failed, 19 not reached" in result.err


def test_many_failures_are_few_lines(account: Account) -> None:
    account.write(HEADER + "".join(f"ann-{number},sip.example.com,,pw\n" for number in range(20)))
    account.emulator.inject(Respond(400), method="POST")
    lines = account.apply("--yes").err.splitlines()
    assert sum("400 Bad Request" in line for line in lines) == 10
    assert "… and 10 more" in lines


def test_ctrl_c_says_what_was_done_and_the_next_run_goes_on(account: Account) -> None:
    account.write(HEADER + "".join(f"ann-{number},sip.example.com,,pw\n" for number in range(20)))
    account.emulator.inject(Delay(0), times=4, method="POST")
    account.emulator.inject(CtrlC(), times=1, method="POST")
    with ctrl_c_works():
        result = account.apply("--yes", "--concurrency", "1")
    assert result.code == 130
    assert "4 created, 0 updated, 0 deleted, 1 in flight, which may be done or not, 15 not reached\n" in result.err
    assert account.apply("--yes").err.endswith("15 created, 0 updated, 0 deleted\n")


def test_sigterm_does_what_ctrl_c_does(account: Account) -> None:
    account.write(HEADER + "ann,sip.example.com,,pw\n")
    account.emulator.inject(CtrlC(signal.SIGTERM), times=1, method="POST")
    with defaults_of(signal.SIGTERM), ctrl_c_works():
        result = account.apply("--yes")
    assert result.code == 143
    assert "1 in flight, which may be done or not" in result.err


def test_ctrl_c_while_the_last_request_is_in_flight_says_that_the_next_run_goes_on(account: Account) -> None:
    account.write(HEADER + "ann,sip.example.com,,pw\n")
    account.emulator.inject(CtrlC(), times=1, method="POST")
    with ctrl_c_works():
        lines = account.apply("--yes").err.splitlines()
    assert lines[-2] == "0 created, 0 updated, 0 deleted, 1 in flight, which may be done or not"
    assert lines[-1] == "The same command goes on from here."


def test_a_file_with_problems_is_refused_before_anything_is_sent(account: Account) -> None:
    account.write(HEADER + "ann,sip.example.com,,pw\nann,sip.example.com,,pw\n")
    result = account.apply("--yes")
    assert (result.code, account.emulator.requests) == (2, [])
    assert result.err.endswith("line 3: has the same username and proxy as line 2\n")


def test_an_empty_file_never_prunes(account: Account) -> None:
    account.write(HEADER)
    result = account.apply("--prune", "--yes")
    assert (result.code, account.sent("DELETE")) == (2, [])


def test_a_listing_that_lacks_registrations_changes_nothing(account: Account) -> None:
    account.write(THREE)
    rows = [one.to_dict() for one in account.registrations[:2]]
    body = json.dumps({"results": rows, "next": None, "previous": None, "total": 1000}).encode()
    account.emulator.inject(Respond(200, {"Content-Type": "application/json"}, body), method="GET")
    result = account.apply("--prune", "--yes")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: the listing has 2 of 1,000 registrations; nothing was changed")
    assert {one.method for one in account.emulator.requests} == {"GET"}


def test_a_listing_without_a_total_is_trusted(account: Account) -> None:
    account.write(HEADER + "user-000000,sip-0.example.com,,\n")
    account.emulator.inject(Respond(200, {"Content-Type": "application/json"}, b'{"results": []}'), method="GET")
    assert "1 to create (+)" in account.apply("--dry-run").err


def test_a_new_row_without_a_password_is_refused_before_anything_is_sent(account: Account) -> None:
    account.write(HEADER + "ann,sip.example.com,,pw\nbob,sip.example.com,,\n")
    result = account.apply("--yes")
    assert (result.code, account.sent("POST")) == (2, [])
    assert "line 3: has no password" in result.err


def test_a_password_that_the_file_does_not_have_comes_from_the_environment(account: Account) -> None:
    account.write(HEADER + "ann,sip.example.com,,own\nbob,sip.example.com,,\n")
    assert account.apply("--yes", "--password", "env:SIP_PASSWORD", SIP_PASSWORD="shared").code == 0
    assert (account.passwords["ann"], account.passwords["bob"]) == ("own", "shared")


def test_passwords_of_existing_registrations_are_sent_only_when_told_to(account: Account) -> None:
    account.write(HEADER + "user-000000,sip-0.example.com,,new\n")
    before = account.passwords
    kept = account.apply("--yes")
    assert (kept.code, kept.out) == (0, "")
    assert "passwords of registrations that exist are not compared; --set-passwords sends them\n" in kept.err
    assert account.passwords == before
    result = account.apply("--yes", "--set-passwords")
    assert result.out == "~ update  user-000000 at sip-0.example.com  password: set  (line 2)\n"
    assert account.passwords == {**before, "user-000000": "new"}


def test_a_concurrency_below_one_is_refused(account: Account) -> None:
    account.write(THREE)
    assert account.apply("--concurrency", "0").code == 2


@pytest.mark.parametrize("status", [200, 400, 503])
def test_passwords_show_nowhere(account: Account, status: int) -> None:
    quoted = PASSWORD.replace('"', '""')
    account.write(HEADER + f'ann,sip.example.com,,"{quoted}"\nuser-000000,sip-0.example.com,,"{quoted}"\n')
    if status != 200:
        echo = json.dumps({"detail": f"no: {PASSWORD}", "password": [PASSWORD]}).encode()
        account.emulator.inject(Respond(status, body=echo), method="POST")
        account.emulator.inject(Respond(status, body=echo), method="PATCH")
    result = account.apply("--yes", "--set-passwords", "--output", "json")
    assert result.code == int(status != 200)
    assert traces(result.out, result.err) == []
    assert account.sent("POST")[0]["password"] == PASSWORD


async def test_no_error_of_a_step_shows_a_password(ultravox_emulator: Emulator) -> None:
    rows = [Row(2, "ann", "sip.example.com", {}), Row(3, "user-000000", "sip-0.example.com", {})]
    passwords = {row.line: Password(PASSWORD) for row in rows}
    ultravox_emulator.inject(Respond(400, body=json.dumps({"detail": PASSWORD}).encode()), method="POST")
    ultravox_emulator.inject(DropResponse(), method="PATCH")
    results = Results()
    async with AsyncUltravox(ultravox_emulator.api_key, base_url=ultravox_emulator.base_url) as client:
        found = [one async for one in client.sip.registrations.list()]
        plan = plan_of(rows, found, prune=False, set_passwords=True)
        await Execution(client, passwords, results, lambda: None).carry_out(plan, concurrency=2)
    assert {type(error) for _, error in results.failed} == {BadRequestError, APIConnectionError}
    assert traces(*(text for _, error in results.failed for text in texts_of(error))) == []


@pytest.mark.usefixtures("clock")
async def test_a_long_pause_that_the_api_asks_for_is_waited_for() -> None:
    results = Results()
    async with (
        Emulator(registrations=0, requests_per_second=None) as emulator,
        AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as client,
    ):
        emulator.inject(Respond(429, {"Retry-After": "90"}), times=1)
        plan = plan_of([Row(2, "ann", "sip.example.com", {})], [], prune=False, set_passwords=False)
        await Execution(client, {2: Password("pw")}, results, lambda: None).carry_out(plan, concurrency=1)
    assert (len(results.done), results.failed) == (1, [])


def test_passwords_that_were_set_are_set_again_by_the_next_run_which_says_so(account: Account) -> None:
    account.write(HEADER + "ann,sip.example.com,,pw\n")
    account.emulator.inject(CtrlC(), times=1, method="POST")
    with ctrl_c_works():
        result = account.apply("--yes", "--set-passwords")
    assert result.err.endswith("The same command begins with these passwords again.\n")
