{#-
    The connected components of a graph of records, one row per record: record_id and cluster_id, the smallest record_id
    that it is connected with by kept edges. A label only ever gets smaller, so it ends, whatever the edges. `records`
    has record_id, `edges` record_id_l, record_id_r and is_kept.
-#}
{% macro connected(records, edges) -%}
with recursive neighbours as materialized (

    select
        record_id_l as record_id,
        record_id_r as neighbour_id
    from {{ edges }}
    where is_kept
    union
    select
        record_id_r as record_id,
        record_id_l as neighbour_id
    from {{ edges }}
    where is_kept

),

labels (record_id, cluster_id) using key (record_id) as (

    select
        record_id,
        least(record_id, min(neighbour_id)) as cluster_id
    from neighbours
    group by record_id
    union
    select
        neighbours.neighbour_id as record_id,
        min(labels.cluster_id) as cluster_id
    from labels
    inner join neighbours on labels.record_id = neighbours.record_id
    inner join recurring.labels as known on neighbours.neighbour_id = known.record_id
    where labels.cluster_id < known.cluster_id
    group by neighbours.neighbour_id

)

select
    records.record_id,
    coalesce(labels.cluster_id, records.record_id) as cluster_id
from {{ records }} as records
left join labels on records.record_id = labels.record_id
{%- endmacro %}
