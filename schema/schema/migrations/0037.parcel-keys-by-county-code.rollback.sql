drop function app.carry_over_parcel_keys(uuid[], text[], text[], text[], text[]);
