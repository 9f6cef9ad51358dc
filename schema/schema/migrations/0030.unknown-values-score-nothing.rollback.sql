-- Nothing to undo: what was forgotten said nothing, and the next record of a lead scores it again.
select 1;
