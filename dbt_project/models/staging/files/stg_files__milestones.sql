select
    'files' as source,
    milestone_id as source_milestone_id,
    coalesce(lower(id_system), 'files') as id_system,
    customer_id as source_customer_id,
    milestone,
    case when {{ is_later('reached_at') }} and status = 'complete' then 'in_progress' else status end as status,
    success_criterion,
    due_date,
    created_at,
    {{ known_time('reached_at') }} as reached_at,
    updated_at
from {{ known_rows(source('files', 'milestones'), key=['milestone_id'], dated_by='created_at') }}
