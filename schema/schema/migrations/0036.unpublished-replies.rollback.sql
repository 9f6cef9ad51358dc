drop function app.list_unpublished_replies;
