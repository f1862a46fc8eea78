module github.com/coatcheck/coatcheck/stores/memcachestore

go 1.26.0

require (
	github.com/bradfitz/gomemcache v0.0.0-20230905024940-24af94b03874
	github.com/coatcheck/coatcheck v0.1.0
)

require github.com/gorilla/securecookie v1.1.2 // indirect

replace github.com/coatcheck/coatcheck => ../..
