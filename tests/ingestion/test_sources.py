"""sources.yml: one clear sentence per mistake."""

from pathlib import Path

import pytest

from ingestion.contracts import Contracts
from ingestion.deliveries import check_sources
from ingestion.errors import UserError
from ingestion.sources import Sources, read_sources

GOOD = """
sources:
  files:
    order_lines:
      path: ${TENURE_TEST_DATA}/lines/*.csv
      columns: {order_id: Order No, quantity: 1, is_cancellation: false}
"""


def read(tmp_path: Path, text: str) -> Sources:
    path = tmp_path / "sources.yml"
    path.write_text(text)
    return read_sources(path)


def test_paths_are_absolute_and_constants_are_sql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENURE_TEST_DATA", "../elsewhere")
    spec = read(tmp_path, GOOD).files["order_lines"]
    assert spec.path == (str(tmp_path.parent / "elsewhere/lines/*.csv"),)
    assert spec.columns == {"order_id": "Order No", "quantity": "1", "is_cancellation": "false"}


def test_a_list_of_paths(tmp_path: Path) -> None:
    spec = read(tmp_path, "sources: {files: {customers: {path: [a.csv, b.csv], columns: {customer_id: id}}}}")
    assert [Path(one).name for one in spec.files["customers"].path] == ["a.csv", "b.csv"]


def test_a_missing_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"files\.order_lines\.path .* TENURE_TEST_DATA, which isn't set") as caught:
        read(tmp_path, GOOD)
    assert len(str(caught.value).splitlines()) == 1


TABLE = "sources: {files: {order_lines: {path: a.csv, columns: {order_id: o}, %s}}}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sources: [", r"isn't valid YAML \(line \d\)"),
        ("just text", "should begin with 'sources:'"),
        ("", "should begin with 'sources:'"),
        ("source: {}", r"unknown key 'source' \(did you mean 'sources'\?\)"),
        ("root: /\n" + TABLE % "format: csv", "unknown key 'root'"),
        ("sources: {}", "'sources' is empty"),
        ("sources: {files: {order_lines: [a]}}", "should be a mapping of keys to values"),
        (TABLE % "fromat: csv", r"unknown key 'sources.files.order_lines.fromat' \(did you mean 'format'\?\)"),
        (TABLE % "format: xlsx", "'xlsx': write csv, parquet or jsonl"),
        ("sources: {files: {order_lines: {columns: {order_id: o}}}}", "order_lines.path' is missing"),
        ("sources: {files: {order_lines: {path: a.csv}}}", "order_lines.columns' is missing"),
        (
            "sources: {files: {order_lines: {path: {a: b}, columns: {order_id: o}}}}",
            "should be a path or a list of paths",
        ),
        ("sources: {files: {order_lines: {path: a.csv, columns: {order_id: }}}}", "'order_id' is mapped to nothing"),
        ("sources: {files: {order_lines: {path: a.csv, columns: {order_id: [a]}}}}", "should be text"),
        ("sources: {files: {customers: {path: a}, customers: {path: b}}}", r"'customers' stands there twice"),
        ("sources: {hubspot: {}}", "'sources.hubspot': give either 'exports', .* or 'api'"),
        ("sources: {hubspot: {exports: a, api: {token: b}}}", "'sources.hubspot': give either 'exports', .* or 'api'"),
        ("sources: {hubspot: exports}", r"'sources.hubspot' should be \{exports: FOLDER\}"),
        ("sources: {hubspot: {export: a}}", r"unknown key 'sources.hubspot.export' \(did you mean 'exports'\?\)"),
        ("sources: {hubspot: {exports: }}", "'sources.hubspot': 'exports' is empty: give the folder"),
        ("sources: {hubspot: {exports: [a]}}", "'sources.hubspot.exports' should be one folder"),
        ("sources: {zendesk: {api: token}}", r"'sources.zendesk.api' should be settings .*\$\{VARIABLE\}"),
        ("sources: {zendesk: {api: [token]}}", "'sources.zendesk.api' should be settings with their values"),
        ("sources: {zendesk: {api: {base_url: [a]}}}", "'sources.zendesk.api.base_url' should be text, a single value"),
        ("sources: {zendesk: {api: {token: {a: b}}}}", "'sources.zendesk.api.token' should be text, a single value"),
        ("sources: {stripe: {api: {api_key: sk_live_1}}}", r"stripe.api.api_key is a secret: .* write \$\{VARIABLE\}"),
    ],
)
def test_each_mistake_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        read(tmp_path, text)
    assert all(line.startswith("sources.yml") for line in str(caught.value).splitlines())


def test_several_mistakes_are_several_lines(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, "sources: {files: {order_lines: {pth: a.csv, columns: {order_id: }}}}")
    assert len(str(caught.value).splitlines()) == 3


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no sources file at"):
        read_sources(tmp_path / "sources.yml")
    (tmp_path / "sources.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="isn't UTF-8 text"):
        read_sources(tmp_path / "sources.yml")
    with pytest.raises(UserError, match="can't be read"):
        read_sources(tmp_path)


def test_a_column_called_no_is_a_column(tmp_path: Path) -> None:
    """YAML 1.1 reads `No` as false and 2024 as a number."""
    path = tmp_path / "sources.yml"
    path.write_text("sources: {files: {order_lines: {path: a.csv, columns: {order_id: No, quantity: 2024}}}}")
    assert read_sources(path).files["order_lines"].columns == {"order_id": "No", "quantity": "2024"}


def test_a_system_is_connected_by_exports_or_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENURE_TEST_TOKEN", "s3cret")
    text = (
        "sources: {hubspot: {exports: crm/}, zendesk: {api: {email: ops@example.org, token: '${TENURE_TEST_TOKEN}'}}}"
    )
    connectors = read(tmp_path, text).connectors
    assert connectors["hubspot"].exports == str(tmp_path / "crm")
    assert connectors["zendesk"].api == {"email": "ops@example.org", "token": "s3cret"}


@pytest.mark.parametrize(
    "text",
    [
        "sources: {stripe: {api: {api_key: %s, mode: ''}}}",
        "sources: {stripe: {api: {api_key: *%s}}}",
        "sources: {stripe: {api: {api_key: [&%s a, &%s b]}}}",
        "sources: {zendesk: {api: {base_url: 'https://ops:%s@acme.zendesk.com'}}}",
        "sources: {zendesk: {api: {base_url: ['https://ops:%s/@acme.zendesk.com']}}}",
        "sources: {zendesk: {exports: 'sftp://ops:1%s@files.example/out'}}",
        "sources: {files: {customers: {path: ['s3://:%s@bucket/*.csv'], columns: {customer_id: id}}}}",
        "sources: {files: {customers: {path: a.csv, format: 'x://a:%s@b', columns: {customer_id: id}}}}",
    ],
)
def test_a_secret_is_in_no_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, text.replace("%s", "sk_live_1"))
    assert "sk_live_1" not in str(caught.value)


def test_a_password_in_an_address_is_refused_by_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = "{path: '%s', columns: {customer_id: id}}"
    with pytest.raises(UserError, match=r"^sources\.yml: sources\.files\.a\.path has a password in an address: take"):
        read(tmp_path, "sources: {files: {a: " + table % "https://u:p@h/a.csv" + "}}")
    monkeypatch.setenv("TENURE_TEST_FILES", "https://u:p@h")
    with pytest.raises(UserError, match=r"files\.a\.path has a password in an address"):
        read(tmp_path, "sources: {files: {a: " + table % "${TENURE_TEST_FILES}/a.csv" + "}}")
    # A port and an @ further on are none.
    read(tmp_path, "sources: {files: {a: " + table % "x://host:8080/a@b.csv" + "}}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sources: {files: {order_line: {path: a.csv, columns: {order_id: o}}}}", "connects files.order_line, which"),
        ("sources: {hubspott: {exports: a}}", r"connects hubspott, for which there is no connector \(did you mean"),
        ("sources: {hubspot: {api: {}}}", ": hubspot.api lacks 'token'"),
    ],
)
def test_a_mistake_is_told_of_the_file_that_holds_it(
    tmp_path: Path, contracts: Contracts, text: str, sentence: str
) -> None:
    path = tmp_path / "ours.yml"
    path.write_text(text)
    with pytest.raises(UserError, match=f"^ours.yml ?{sentence}"):
        check_sources(read_sources(path), contracts)
