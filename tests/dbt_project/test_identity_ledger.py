"""The identity ledger over made histories: who keeps an id, what is written, and where old ids lead."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.identity import Ledger, Record

FIRST_DAY = date(2024, 1, 1)
Partition = Sequence[frozenset[Record]]
History = Sequence[Partition]

# Three lists that have ids of their own, of people and of customers.
RECORDS: list[Record] = [
    *(("customer", "crm", "customer", str(number)) for number in range(7)),
    *(("person", "crm", "customer", str(number)) for number in range(4)),
    *(("person", "crm", "person", str(number)) for number in range(4)),
]


def customers(words: str) -> Partition:
    """Clusters of customer records: `ab c` is a and b together, and c alone."""
    return [frozenset(("customer", "crm", "customer", letter) for letter in word) for word in words.split()]


def named(clusters: Iterable[frozenset[Record]], seed: int = 0) -> list[tuple[str, list[Record]]]:
    """Clusters under the names that the clusters' model gives them; members and clusters in an order by `seed`."""
    found = [(min("/".join(record[1:]) for record in cluster), sorted(cluster)) for cluster in clusters if cluster]
    shuffle = random.Random(seed).shuffle
    shuffle(found)
    for _, members in found:
        shuffle(members)
    return found


def replay(history: History, seed: int = 0) -> Ledger:
    ledger = Ledger()
    for number, clusters in enumerate(history):
        ledger.run(FIRST_DAY + timedelta(number), named(clusters, seed))
    ledger.build_marts()
    return ledger


def letters(ledger: Ledger) -> dict[str, str]:
    return {record[3]: durable for record, durable in ledger.ids().items()}


def events(ledger: Ledger, day: int) -> list[tuple[str, str, str | None, int]]:
    """Events of a day: event, whose, other id, records; ids by the letters of the records that they were made of."""
    names = {
        durable: record
        for record, durable in ledger.sql(
            "select arg_min(source_record_id, ledger_number), durable_id from state.identity_ledger group by durable_id"
        )
    }
    rows = ledger.sql(
        f"""select event, durable_id, other_id, record_count from fct_identity_events
        where known_date = date '{FIRST_DAY + timedelta(day)}' order by event_number"""
    )
    return [(event, names[durable], other and names[other], count) for event, durable, other, count in rows]


@st.composite
def histories(draw: st.DrawFn) -> list[list[frozenset[Record]]]:
    """Days of random partitions: each day some records come, go, or move to another cluster."""
    place: dict[Record, int] = {}
    days = []
    for _ in range(draw(st.integers(2, 6))):
        for record in draw(st.lists(st.sampled_from(RECORDS), max_size=12)):
            group = draw(st.integers(-1, 3))
            if group < 0:
                place.pop(record, None)
            else:
                place[record] = group
        clusters = defaultdict(set)
        for record, group in place.items():
            clusters[record[0], group].add(record)
        days.append([frozenset(cluster) for cluster in clusters.values()])
    return days


# A history takes a second or so: making a failing one smaller would take minutes.
@settings(
    max_examples=examples(6),
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
@given(histories(), st.integers(1, 10**6))
def test_random_histories(history: History, seed: int) -> None:
    ledger = Ledger()
    for number, (before, clusters) in enumerate(pairwise([[], *history])):
        day = FIRST_DAY + timedelta(number)
        known = ledger.ids() if number else {}
        written = ledger.run(day, named(clusters))
        ids = ledger.ids()
        _every_cluster_has_one_id_of_its_own(clusters, ids)
        _ids_change_only_where_clusters_do(before, clusters, known, ids)
        _the_largest_part_keeps_the_id(clusters, known, ids)
        changed = {record for record in known.keys() | ids.keys() if known.get(record) != ids.get(record)}
        assert written == len(changed)
        assert ledger.run(day, named(clusters, seed)) == 0
        assert ledger.ids() == ids
        ledger.build_marts()
        assert ledger.failing() == {}
        _identity_as_known_is_read_back(ledger, day, ids)
    assert [row[0] for row in ledger.rows()] == list(range(1, len(ledger.rows()) + 1))
    again = replay(history, seed)
    assert again.rows() == ledger.rows()
    for mart in ("map_source_records", "fct_identity_events", "map_id_redirects"):
        assert again.sql(f"from {mart} order by all") == ledger.sql(f"from {mart} order by all")
    minted = {row[5] for row in ledger.rows() if row[5]}
    created = [
        durable for (durable,) in ledger.sql("select durable_id from fct_identity_events where event = 'created'")
    ]
    assert sorted(created) == sorted(minted)


def _every_cluster_has_one_id_of_its_own(clusters: Partition, ids: dict[Record, str]) -> None:
    assert ids.keys() == {record for cluster in clusters for record in cluster}
    of_clusters = [{ids[record] for record in cluster} for cluster in clusters if cluster]
    assert all(len(found) == 1 for found in of_clusters)
    assert len(set().union(*of_clusters)) == len(of_clusters)
    assert all(durable.startswith("cus_" if record[0] == "customer" else "per_") for record, durable in ids.items())


def _ids_change_only_where_clusters_do(
    before: Partition, clusters: Partition, known: dict[Record, str], ids: dict[Record, str]
) -> None:
    for cluster in set(before) & set(clusters):
        assert {known[record] for record in cluster} == {ids[record] for record in cluster}


def _the_largest_part_keeps_the_id(clusters: Partition, known: dict[Record, str], ids: dict[Record, str]) -> None:
    """No cluster and id would both rather have each other than what they got."""
    shares: dict[tuple[int, str], int] = defaultdict(int)
    of_cluster = {number: ids[next(iter(cluster))] for number, cluster in enumerate(clusters) if cluster}
    for number, cluster in enumerate(clusters):
        for record in cluster & known.keys():
            shares[number, known[record]] += 1
    keeper = {durable: number for number, durable in of_cluster.items()}
    for (number, durable), share in shares.items():
        if of_cluster[number] != durable:
            gives_more = shares.get((number, of_cluster[number]), 0) >= share
            has_more = durable in keeper and shares.get((keeper[durable], durable), 0) >= share
            assert gives_more or has_more


def _identity_as_known_is_read_back(ledger: Ledger, day: date, ids: dict[Record, str]) -> None:
    known = ledger.sql(
        f"""select entity, source, list_kind, source_record_id, durable_id from map_source_records
        where valid_from_date <= date '{day}' and coalesce(valid_to_date > date '{day}', true)"""
    )
    assert {tuple(row[:4]): row[4] for row in known} == ids
    assert len(known) == len(ids)


def test_merged_and_undone() -> None:
    ledger = replay([customers("ab c"), customers("abc"), customers("ab c")])
    assert events(ledger, 1) == [("merged", "c", "a", 1)]
    assert events(ledger, 2) == [("reinstated", "c", None, 1), ("split", "c", "a", 1)]
    assert ledger.sql("select count(*) from map_id_redirects where current_id = durable_id") == [(2,)]


def test_old_ids_redirect_through_all_merges() -> None:
    ledger = replay([customers("ab c def"), customers("abc def"), customers("abcdef"), customers("abcdefghi")])
    ids = set(letters(ledger).values())
    assert len(ids) == 1
    assert {current for (current,) in ledger.sql("select current_id from map_id_redirects")} == ids
    assert len(ledger.sql("from map_id_redirects")) == 3


def test_a_deleted_bridge_splits_and_the_core_keeps_the_id() -> None:
    """b joined a and the rest. Without it a goes, and its own id, with which all began, stays with the rest."""
    ledger = replay([customers("abcd"), customers("a cd")])
    ids = letters(ledger)
    (original,) = {row[5] for row in ledger.rows()[:4]}
    assert ids["c"] == ids["d"] == original
    assert ids["a"] != original
    assert ledger.sql(
        f"select event, durable_id, other_id from fct_identity_events where known_date > date '{FIRST_DAY}' order by 1"
    ) == [("created", ids["a"], None), ("reduced", original, None), ("split", ids["a"], original)]
    assert ledger.sql("from map_id_redirects where current_id != durable_id") == []


def test_gone_and_back() -> None:
    ledger = replay([customers("ab c"), customers("c"), customers("ab c")])
    assert events(ledger, 1) == [("retired", "a", None, 2)]
    assert events(ledger, 2) == [("reinstated", "a", None, 2)]
    spells = ledger.sql("select valid_from_date, valid_to_date from map_source_records where source_record_id = 'a'")
    assert sorted(spells, key=str) == [
        (FIRST_DAY, FIRST_DAY + timedelta(1)),
        (FIRST_DAY + timedelta(2), None),
    ]


def test_the_last_run_of_a_day_counts_for_the_day() -> None:
    ledger = Ledger()
    for words in ("a b", "ab", "a b"):
        ledger.run(FIRST_DAY, named(customers(words)))
    ledger.build_marts()
    assert ledger.failing() == {}
    assert len(ledger.sql("from map_source_records")) == 2
    assert [event for event, *_ in events(ledger, 0)] == ["created", "created", "merged", "reinstated", "split"]


def test_a_run_for_an_earlier_day_sees_what_was_known_and_changes_nothing_later() -> None:
    history = [customers("a b"), customers("abc"), customers("abcd e")]
    ledger = replay(history)
    later = ledger.rows(), ledger.sql("from map_source_records order by all")
    ledger.run(FIRST_DAY, named(history[0]))
    ledger.build_marts()
    assert ledger.failing() == {}
    assert len(set(letters(ledger).values())) == 2
    assert {row[0] for row in ledger.sql("select known_date from fct_identity_events")} == {FIRST_DAY}
    ledger.run(FIRST_DAY + timedelta(2), named(history[2]))
    ledger.build_marts()
    assert (ledger.rows(), ledger.sql("from map_source_records order by all")) == later


def test_a_day_before_all_that_is_known_gets_the_ids_that_are_known_later() -> None:
    ledger = replay([customers("ab c d")])
    later = letters(ledger)
    ledger.run(FIRST_DAY - timedelta(9), named(customers("a c x")))
    ids = letters(ledger)
    assert (ids["a"], ids["c"]) == (later["a"], later["c"])
    ledger.run(FIRST_DAY, named(customers("ab c d")))
    ledger.build_marts()
    assert letters(ledger) == later
    assert ledger.failing() == {}
    assert ("retired", "x", None, 1) in events(ledger, 0)


def test_a_home_of_before_keeps_its_customers_ids() -> None:
    ledger = Ledger()
    ledger.connection.execute(
        """create table state.customer_ledger as
        select * from (values ('cus_kept', 'crm', 'b', 'created', 'data', date '2023-12-01'),
        ('cus_gone', 'crm', 'z', 'created', 'data', date '2023-11-01'))
        as t (customer_id, source, source_customer_id, event, cause, known_date)"""
    )
    ledger.run(FIRST_DAY, named(customers("a b")))
    ledger.build_marts()
    assert letters(ledger)["b"] == "cus_kept"
    assert ledger.failing() == {}
    assert [row[0] for row in ledger.rows()] == [1, 2, 3, 4]
    assert [(row[4], row[5]) for row in ledger.rows()[:2]] == [("z", "cus_gone"), ("b", "cus_kept")]
    assert ledger.run(FIRST_DAY + timedelta(1), named(customers("a b"))) == 0
    assert ledger.sql("select current_id from map_id_redirects where durable_id = 'cus_gone'") == [(None,)]


def test_one_percent_more_records_change_no_id() -> None:
    """Half of the new ones join a cluster, some as its smallest record."""
    count = 20_000
    clusters = f"""select 'customer' as entity, 'crm' as source, 'customer' as list_kind,
        format('{{:07d}}', 10 * i) as source_record_id, 'crm/' || i // 3 as cluster_id,
        null::timestamp as first_seen_at from range({count}) r(i)"""
    new = f"""select 'customer', 'crm', 'customer', format('{{:07d}}', 1000 * i + if(i % 10 = 0, -1, 1)),
        if(i % 2 = 0, 'crm/' || 100 * i // 3, 'new/' || i), null from range({count // 100}) r(i)"""
    ledger = Ledger()
    ledger.run(FIRST_DAY, f"({clusters}) order by hash(source_record_id)")
    known = ledger.ids()
    written = ledger.run(FIRST_DAY + timedelta(1), f"{clusters} union all {new}")
    ids = ledger.ids()
    kept = sum(ids[record] == durable for record, durable in known.items())
    assert kept == len(known)
    assert written == len(ids) - len(known) == count // 100
