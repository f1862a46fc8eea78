module github.com/coatcheck/coatcheck/sessionui

go 1.26.0

require github.com/coatcheck/coatcheck v0.1.0

require github.com/gorilla/securecookie v1.1.2 // indirect

replace github.com/coatcheck/coatcheck => ..
