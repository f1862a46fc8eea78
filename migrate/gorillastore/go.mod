module github.com/coatcheck/coatcheck/migrate/gorillastore

go 1.26.0

require (
	github.com/coatcheck/coatcheck v0.1.0
	github.com/gorilla/sessions v1.2.0
)

require github.com/gorilla/securecookie v1.1.2 // indirect

replace github.com/coatcheck/coatcheck => ../..
