module github.com/coatcheck/coatcheck/adapters/echov5

go 1.26.0

require (
	github.com/coatcheck/coatcheck v0.1.0
	github.com/labstack/echo/v5 v5.0.0
)

require (
	github.com/coder/websocket v1.8.12 // indirect
	github.com/gorilla/securecookie v1.1.2 // indirect
	golang.org/x/time v0.15.0 // indirect
)

replace github.com/coatcheck/coatcheck => ../..
