-- Nothing to undo: the cleared values carried no information, and the next record of a lead scores it again.
select 1;
