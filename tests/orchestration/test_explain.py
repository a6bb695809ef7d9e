"""`tenure explain` on a small made release: what it says, what it masks, and its sentences for what isn't there."""

import re
from io import StringIO
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from analytics.linkage_model import prior_model
from ingestion.errors import UserError
from ingestion.home import Home, open_home
from orchestration.explain import print_explanation
from tests.publishing.small_release import add_identity, build_release

ANN = "crm/person/1"
PERSONAL = ("ann@x.example", "ann lee", "+4915112345618", "1990-02-03")

FILL = """
    insert into marts.map_source_records values
        ('person', 'crm', 'person', '1', 'per_ann', '2024-02-01', null, true),
        ('person', 'desk', 'person', '2', 'per_lee', '2024-02-01', '2024-03-01', false),
        ('person', 'desk', 'person', '2', 'per_ann', '2024-03-01', null, true),
        ('person', 'shop', 'customer', 'ann@x.example', 'per_ann', '2024-02-01', null, true),
        ('customer', 'shop', 'customer', 'ann@x.example', 'cus_ann', '2024-02-01', null, true),
        ('person', 'crm', 'person', '9', 'per_bo', '2024-02-01', null, true),
        ('person', 'crm', 'person', '8', 'per_cy', '2024-02-01', null, true),
        ('person', 'crm', 'person', '7', 'per_gone', '2024-02-01', '2024-04-01', false),
        ('customer', 'crm', 'customer', '1', 'cus_acme', '2024-02-01', null, true),
        ('person', 'crm', 'person', '20', 'per_dee', '2024-02-01', null, true),
        ('person', 'desk', 'person', '21', 'per_dee', '2024-02-01', null, true),
        ('person', 'desk', 'person', '22', 'per_dee', '2024-02-01', null, true),
        ('person', 'desk', 'person', 'dee@x.example', 'per_dee', '2024-02-01', null, true),
        ('person', 'desk', 'person', '8', 'per_may', '2024-02-01', null, true),
        ('person', 'crm', 'person', '30', 'per_low', '2024-02-01', null, true),
        ('person', 'shop', 'customer', '31', 'per_eve', '2024-02-01', null, true),
        ('person', 'shop', 'customer', '32', 'per_flo', '2024-02-01', null, true),
        ('person', 'shop', 'customer', '33', 'per_flo', '2024-02-01', null, true),
        ('customer', 'shop', 'customer', '31', 'cus_home', '2024-02-01', null, true),
        ('customer', 'shop', 'customer', '32', 'cus_home', '2024-02-01', null, true),
        ('customer', 'shop', 'customer', '33', 'cus_home', '2024-02-01', null, true);
    insert into marts.map_id_redirects values
        ('person', 'per_ann', 'per_ann'), ('person', 'per_lee', 'per_ann'), ('person', 'per_bo', 'per_bo'),
        ('person', 'per_cy', 'per_cy'), ('person', 'per_gone', null), ('customer', 'cus_acme', 'cus_acme'),
        ('customer', 'cus_ann', 'cus_ann'), ('person', 'per_dee', 'per_dee'), ('person', 'per_may', 'per_may'),
        ('person', 'per_low', 'per_low'), ('person', 'per_day', 'per_ann'), ('customer', 'cus_day', 'cus_ann'),
        ('person', 'per_eve', 'per_eve'), ('person', 'per_flo', 'per_flo'), ('customer', 'cus_home', 'cus_home');
    insert into marts.fct_identity_events values
        (1, 'person', 'per_ann', 'created', null, 2, 'data', '2024-02-01'),
        (2, 'person', 'per_lee', 'created', null, 1, 'data', '2024-02-01'),
        (3, 'person', 'per_lee', 'merged', 'per_ann', 1, 'rule', '2024-03-01');
    insert into marts.fct_identity_edges values
        ('person', 'crm/person/1', 'desk/person/2', 'person e-mail', 'strong', 0.99, null, true, null, null),
        ('person', 'crm/person/1', 'desk/person/2', 'linkage model', 'strong', 0.999, 9.9, true, null, null),
        ('person', 'desk/person/2', 'shop/customer/ann@x.example', 'person phone', 'weak', 0.95, null, true, null,
         null),
        ('person', 'crm/person/1', 'shop/customer/ann@x.example', 'linkage model', 'review', 0.6, 0.6, true, null,
         null),
        ('person', 'crm/person/1', 'crm/person/9', 'person phone', 'weak', 0.95, null, false, 'two_cores', null),
        ('person', 'crm/person/9', 'desk/person/2', 'linkage model', 'review', 0.7, 1.2, false, 'review', null),
        ('person', 'crm/person/20', 'desk/person/21', 'person e-mail', 'strong', 0.99, null, true, null, null),
        ('person', 'crm/person/20', 'desk/person/21', 'linkage model', 'review', 0.9995, 11, true, null, null),
        ('person', 'crm/person/20', 'desk/person/22', 'override', 'override', 1, null, true, null, null),
        ('person', 'crm/person/20', 'desk/person/22', 'person e-mail', 'strong', 0.99, null, true, null, null),
        ('person', 'crm/person/20', 'desk/person/dee@x.example', 'linkage model', 'weak', 0.97, 5, true, null, null),
        ('person', 'crm/person/20', 'desk/person/dee@x.example', 'person phone', 'weak', 0.95, null, true, null, null),
        ('person', 'crm/person/20', 'crm/person/9', 'person phone', 'weak', 0.95, null, false, 'two_cores', null),
        ('person', 'crm/person/9', 'desk/person/21', 'person e-mail', 'strong', 0.99, null, false, 'different_id',
         null),
        ('person', 'crm/person/8', 'desk/person/22', 'person e-mail', 'strong', 0.99, null, false, 'cannot_link', null),
        ('person', 'crm/person/20', 'crm/person/8', 'person e-mail', 'strong', 0.999, null, false, 'different_id',
         null),
        ('person', 'desk/person/21', 'desk/person/dee@x.example', 'linkage model', 'weak', 0.97, 5, true, null, null),
        ('person', 'desk/person/21', 'desk/person/dee@x.example', 'person e-mail', 'strong', 0.9, null, true, null,
         null),
        ('person', 'crm/person/8', 'desk/person/8', 'linkage model', 'review', 0.9998, 12.3, false, 'review', null),
        ('person', 'crm/person/20', 'desk/person/8', 'linkage model', 'review', 0.9998, 12.3, false, 'review', null),
        ('person', 'crm/person/1', 'crm/person/30', 'linkage model', 'review', 0.8, 2, false, 'review', null),
        ('person', 'shop/customer/32', 'shop/customer/33', 'person e-mail', 'strong', 0.99, null, true, null, null);
    insert into marts.map_identifiers
    select 'person', split_part(r, '/', 1), split_part(r, '/', 2), split_part(r, '/', 3), r, t, v, v, null, null,
        false, null
    from (values
        ('crm/person/1', 'email', 'ann@x.example'), ('crm/person/1', 'email_canonical', 'ann@x.example'),
        ('crm/person/1', 'name', 'ann lee'), ('crm/person/1', 'birth_date', '1990-02-03'),
        ('crm/person/1', 'phone', '+4915112345618'), ('crm/person/9', 'phone', '+4915112345618'),
        ('desk/person/2', 'email', 'ann@x.example'), ('desk/person/2', 'email_canonical', 'ann@x.example'),
        ('desk/person/2', 'name', 'ann lee'), ('desk/person/2', 'birth_date', '1990-02-03'),
        ('desk/person/2', 'phone', '+4915112345618'), ('shop/customer/ann@x.example', 'phone', '+4915112345618')
    ) as told(r, t, v);
    insert into marts.map_compared_records (entity, record_id, source, full_name, first_name, last_name, email) values
        ('person', 'crm/person/1', 'crm', 'ann lee', 'ann', 'lee', 'ann@x.example'),
        ('person', 'desk/person/2', 'desk', 'ann lee', 'ann', 'lee', 'ann@x.example'),
        ('person', 'crm/person/9', 'crm', 'bo lee', 'bo', 'lee', null),
        ('person', 'crm/person/8', 'crm', 'cy may', 'cy', 'may', null),
        ('person', 'crm/person/30', 'crm', 'ann lee', 'ann', 'lee', 'ann@x.example'),
        ('person', 'desk/person/8', 'desk', 'cy may', 'cy', 'may', 'joint@y.example'),
        ('person', 'crm/person/20', 'crm', 'dee may', 'dee', 'may', 'joint@y.example'),
        ('person', 'desk/person/21', 'desk', 'dee may', 'dee', 'may', null),
        ('person', 'desk/person/22', 'desk', 'dee may', 'dee', 'may', null),
        ('person', 'desk/person/dee@x.example', 'desk', 'dee may', 'dee', 'may', 'joint@y.example');
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = open_home(tmp_path_factory.mktemp("home"))
    release = build_release(
        home.releases / "one", "select 'a', 'o', timestamp '2024-06-02', null, 'EUR', 1, 'sale', null"
    )
    add_identity(release, FILL)
    with duckdb.connect(str(release / "tenure.duckdb")) as connection:
        connection.execute(
            "insert into state.linkage_models values ('people', 1, '2024-02-01', 4, ?)",
            [prior_model("people").to_json()],
        )
    home.current.symlink_to(release)
    return home


def said(home: Home, *names: str, show_values: bool = False) -> str:
    """What is printed, with single spaces."""
    printed = StringIO()
    console = Console(file=printed, highlight=False, soft_wrap=True, markup=False)
    print_explanation(console, home, names, show_values=show_values)
    return re.sub(r"[ \t]+", " ", printed.getvalue())


def refused(home: Home, *names: str) -> str:
    with pytest.raises(UserError) as error:
        print_explanation(Console(), home, names, show_values=False)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_two_records_that_are_one(home: Home) -> None:
    text = said(home, "crm/person/1", "shop/customer/ann@x.example")
    assert "are one person, per_ann." in text
    path = text[text.index("What joins them") : text.index("would have to go")]
    assert "crm/person/1 - desk/person/2\n linkage model: strong, confidence 0.9990" in path
    assert "person e-mail: strong, confidence 0.9900" in path
    step = (
        "desk/person/2 - shop/customer/a***@x.example\n person phone: weak, confidence 0.9500\n both have phone +49…18"
    )
    assert step in path
    assert "review" not in path
    assert "email_canonical a***@x.example, name A** L**" in path
    assert "birth_date ****-**-**" in path
    assert "This edge would have to go to separate them" in text
    assert "desk/person/2 - shop/customer/a***@x.example\n person phone (weak)" in text
    assert not [
        value for value in PERSONAL if value in text.replace("crm/person/1 and shop/customer/ann@x.example", "")
    ]


def test_values_in_full(home: Home) -> None:
    text = said(home, "crm/person/1", "desk/2", show_values=True)
    for value in PERSONAL:
        assert value in text
    pair = ("crm/person/20", "desk/person/dee@x.example")
    assert f"Weight of {' and '.join(pair)}\n" in said(home, *pair, show_values=True)
    assert "Weight of crm/person/20 and desk/person/d***@x.example\n" in said(home, *pair)


def test_the_weight_of_a_pair(home: Home) -> None:
    text = said(home, "crm/person/1", "desk/person/2")
    waterfall = text[text.index("Weight of crm/person/1 and desk/person/2") :]
    assert "prior two random records -" in waterfall
    total = re.search(r"([+-]\d+\.\d+) bits are a probability of ([01]\.\d+)", waterfall)
    assert total
    steps = re.findall(r" ([+-]\d+\.\d\d) [+-]\d+\.\d\d ", waterfall)
    assert sum(map(float, steps)) == pytest.approx(float(total[1]), abs=0.05)
    assert "The model gave this pair no edge" not in waterfall
    assert "These 2 edges would have to go" in text


def test_two_ids_that_were_refused(home: Home) -> None:
    text = said(home, "per_lee", "per_bo")
    assert "per_lee and per_bo are two people, per_ann and per_bo." in text
    assert "Of 2 refused edges, the strongest\n crm/person/1 - crm/person/9\n" in text
    assert "Weight of crm/person/1 and crm/person/9" in text
    text = said(home, ANN, "crm/person/9")
    assert "person phone: weak, confidence 0.9500\n both have phone +49…18" in text
    assert "weak evidence never joins two groups" in text
    assert "The model gave this pair no edge" in text


def test_of_refused_edges_the_one_between_the_two_records_is_shown(home: Home) -> None:
    text = said(home, "crm/person/20", "crm/person/9")
    assert "Of 2 refused edges, the one between these two records\n crm/person/20 - crm/person/9\n" in text
    assert "It was refused: both sides are groups of their own, and weak evidence never joins two groups." in text
    assert "Of 2 refused edges, the strongest\n crm/person/9 - desk/person/21\n" in said(home, "per_dee", "per_bo")
    decided = said(home, "crm/person/20", "crm/person/8")
    assert "Of 2 refused edges, one that a reviewer decided on\n crm/person/8 - desk/person/22\n" in decided
    assert "The one refused edge\n crm/person/8 - desk/person/8\n" in said(home, "crm/person/8", "desk/person/8")


@pytest.mark.parametrize(
    ("one", "other", "decider"),
    [
        ("crm/person/20", "desk/person/21", "the rule person e-mail, not by the model"),
        ("crm/person/20", "desk/person/22", "an override (identity_overrides.csv), not by the model"),
        ("desk/person/21", "desk/person/22", "the edges above, not by this pair's own weight"),
        ("desk/person/21", "desk/person/dee@x.example", "the rule person e-mail, not by the model"),
        ("crm/person/20", "crm/person/9", "the refusal above, not by the model"),
        ("crm/person/8", "desk/person/22", "an override (identity_overrides.csv), not by the model"),
        # The model is among what decided, or nothing was to be decided.
        ("crm/person/1", "desk/person/2", None),
        ("crm/person/20", "desk/person/dee@x.example", None),
        ("crm/person/8", "desk/person/8", None),
        ("crm/person/1", "crm/person/8", None),
    ],
)
def test_who_decided_where_it_was_not_the_model(home: Home, one: str, other: str, decider: str | None) -> None:
    text = said(home, one, other)
    waterfall = text[text.index("\nWeight of ") :]
    if decider is None:
        assert "Decided by" not in waterfall
    else:
        said_so = f"Decided by {decider}; the weight is what the linkage model thinks of the pair."
        assert waterfall.splitlines()[2] == said_so


def test_why_the_model_leaves_a_pair_to_a_reviewer(home: Home) -> None:
    namesakes = said(home, "crm/person/8", "desk/person/8")
    assert "linkage model: review, confidence 0.9998" in namesakes
    assert (
        "It was refused: only the name is alike (same first name, same last name), and that joins nobody, however "
        "probable the pair is; a reviewer decides." in namesakes
    )
    assert "The model alone" not in namesakes
    couple = said(home, "crm/person/20", "desk/person/8")
    assert (
        "It was refused: the first name differs, and what is alike without it (same last name, same e-mail) joins "
        "nobody, however probable the pair is; a reviewer decides." in couple
    )
    improbable = said(home, "crm/person/1", "crm/person/30")
    assert (
        "It was refused: a probability of 0.8000 is less than the linkage model needs to join records "
        "(link_probability in dbt_project.yml); a reviewer decides." in improbable
    )
    joined = said(home, "crm/person/20", "desk/person/21")
    assert "The model alone doesn't join them: only the name is alike (same first name, same last name)" in joined


def test_a_consumer_and_a_person(home: Home) -> None:
    assert "cus_ann and per_bo are two people, per_ann and per_bo." in said(home, "cus_ann", "per_bo")
    record = said(home, "shop/customer/ann@x.example", "crm/person/9")
    assert "shop/customer/ann@x.example and crm/person/9 are two people, per_ann and per_bo." in record
    assert "cus_ann and crm/person/1 are one person, per_ann." in said(home, "cus_ann", "crm/person/1")
    # Two of its three records are of per_flo, the other of per_eve.
    assert "per_bo and cus_home are two people, per_bo and per_flo." in said(home, "per_bo", "cus_home")


def test_nothing_links_them(home: Home) -> None:
    text = said(home, "per_ann", "crm/8")
    assert "Nothing links them: no rule, and no pair that the linkage model finds alike." in text


def test_an_old_id_and_the_one_that_it_became(home: Home) -> None:
    text = said(home, "per_lee", "per_ann")
    assert "are one person, per_ann." in text
    assert "desk/person/2 - crm/person/1\n linkage model" in text
    text = said(home, "per_lee")
    assert "per_lee: now per_ann, the person that it was merged into." in text
    assert "desk person 2 2024-02-01 2024-03-01" in text
    text = said(home, "per_ann")
    assert "Ids that lead to it: per_day, per_lee." in text
    assert "2024-03-01 per_lee merged into per_ann with 1 record (cause: rule)" in text
    assert "shop customer a***@x.example" in text
    assert "per_gone: a person that is retired" in said(home, "per_gone")


def test_an_id_that_another_took_over_on_the_day_on_which_it_began(home: Home) -> None:
    for old, current, kind in (("per_day", "per_ann", "person"), ("cus_day", "cus_ann", "customer")):
        text = said(home, old, current)
        assert f"{old} and {current} are one {kind}, {current}." in text
        assert "They name the same records" in text


def test_what_is_not_there(home: Home) -> None:
    assert refused(home, "crm/person/404").startswith("The current release knows no record and no id crm/person/404")
    assert refused(home, "per_none", "per_ann").startswith("The current release knows no record and no id per_none")
    assert "crm/customer/1 and crm/person/1; name one of them" in refused(home, "crm/1")
    assert "is gone from its source since 2024-04-01" in refused(home, "crm/7")
    assert "per_gone is retired" in refused(home, "per_gone", "per_ann")
    assert "are never one" in refused(home, "crm/customer/1", "crm/person/1")
    for wrong in (("a", "b", "c"), ("",), ("per_ann", ""), (" ", "per_ann")):
        assert refused(home, *wrong) == "Name one id, or two records or ids; none of them empty."


def test_a_release_without_evidence_and_a_model_of_another_version(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    assert "No release has been published yet" in refused(home, "per_ann")
    release = build_release(
        home.releases / "one", "select 'a', 'o', timestamp '2024-06-02', null, 'EUR', 1, 'sale', null"
    )
    home.current.symlink_to(release)
    assert "published no evidence" in refused(home, "per_ann")
    document = prior_model("people").to_json().replace('"format_version": 1', '"format_version": 9')
    add_identity(release, FILL)
    with duckdb.connect(str(release / "tenure.duckdb")) as connection:
        connection.execute("insert into state.linkage_models values ('people', 1, null, 4, ?)", [document])
    assert "is of format version 9, and this release reads version 1" in refused(home, "crm/person/1", "desk/person/2")
