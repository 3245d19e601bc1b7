-- Why: members are listed and exported in the order in which they entered; without this every page sorts all of them.

create index audience_member_entered on audience_member (workspace_id, audience_id, entered_at, profile_id);
