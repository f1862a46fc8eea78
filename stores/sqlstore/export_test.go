package sqlstore

// Persist is how a statement is run again that the database has put off.
var Persist = persist
