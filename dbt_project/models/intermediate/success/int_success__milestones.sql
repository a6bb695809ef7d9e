select
    source,
    source_milestone_id,
    id_system,
    source_customer_id,
    milestone,
    status,
    success_criterion,
    due_date,
    created_at,
    reached_at,
    updated_at
from {{ ref('stg_files__milestones') }}
