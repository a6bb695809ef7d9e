{#-
    The connected components of a graph of records, one row per record: record_id and cluster_id, the smallest record_id
    that it is connected with by kept edges. A label only ever gets smaller, so it ends, whatever the edges. `records`
    has record_id, `edges` record_id_l, record_id_r and is_kept.

    A record's first label is the smallest of itself and its neighbours, which settles nearly all clusters at once; only
    labels that an edge joins to another one are followed further.
-#}
{% macro connected(records, edges) -%}
with recursive kept as not materialized (

    select
        record_id_l,
        record_id_r
    from {{ edges }}
    where is_kept

),

first_labels as materialized (

    select
        record_id,
        least(record_id, min(neighbour_id)) as label
    from (
        select
            record_id_l as record_id,
            record_id_r as neighbour_id
        from kept
        union all
        select
            record_id_r as record_id,
            record_id_l as neighbour_id
        from kept
    ) as neighbours
    group by record_id

),

joined_labels as materialized (

    select distinct
        one.label as label_l,
        other.label as label_r
    from kept
    inner join first_labels as one on kept.record_id_l = one.record_id
    inner join first_labels as other on kept.record_id_r = other.record_id
    where one.label <> other.label

),

neighbours as materialized (

    select
        label_l as label,
        label_r as neighbour
    from joined_labels
    union
    select
        label_r as label,
        label_l as neighbour
    from joined_labels

),

labels (label, cluster_id) using key (label) as (

    select
        label,
        least(label, min(neighbour)) as cluster_id
    from neighbours
    group by label
    union
    select
        neighbours.neighbour as label,
        min(labels.cluster_id) as cluster_id
    from labels
    inner join neighbours on labels.label = neighbours.label
    inner join recurring.labels as known on neighbours.neighbour = known.label
    where labels.cluster_id < known.cluster_id
    group by neighbours.neighbour

)

select
    records.record_id,
    coalesce(labels.cluster_id, first_labels.label, records.record_id) as cluster_id
from {{ records }} as records
left join first_labels on records.record_id = first_labels.record_id
left join labels on first_labels.label = labels.label
{%- endmacro %}
