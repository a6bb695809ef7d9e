select
    coalesce(lower(source), 'files') as source,
    list_kind,
    record_id as source_record_id,
    entity_label,
    label_group
from {{ known_rows(source('files', 'identity_labels'), key=['list_kind', 'source', 'record_id']) }}
