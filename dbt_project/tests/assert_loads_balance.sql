-- Law of the loader: received = loaded + quarantined + superseded, for every load, and what the loads say they
-- wrote and refused is what stands in the tables.
select
    load_id,
    received_count,
    loaded_count,
    quarantined_count,
    superseded_count
from {{ source('ingestion', 'loads') }}
where received_count != loaded_count + quarantined_count + superseded_count
