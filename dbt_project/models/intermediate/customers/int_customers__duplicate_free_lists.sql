with lists as (

    select
        *,
        concat_ws(',', source, list_kind) as row_text,
        row_number() over (partition by source, list_kind) as list_number
    from {{ ref('duplicate_free_lists') }}

),

sources as (

    select distinct source
    from {{ ref('stg_ingestion__tables') }}

),

known as (

    select string_agg(source, ', ' order by source) as source_names
    from sources

),

judged as (

    select
        lists.*,
        case
            when sources.source is null then 'an unknown source; there are ' || known.source_names
            when coalesce(lists.list_kind, '') not in ('person', 'customer')
                then 'an unknown list; there are person and customer'
            when lists.list_number > 1 then 'a list that stands in another row'
        end as mistake
    from lists
    cross join known
    left join sources
        on lists.source = sources.source

)

select
    source,
    list_kind,
    case
        when mistake is null then source || '/' || list_kind
        else error('duplicate_free_lists.csv: the row "' || row_text || '" has ' || mistake || '.')
    end as duplicate_free_list
from judged
