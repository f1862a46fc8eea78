package proof

import (
	_ "github.com/alexedwards/scs/mysqlstore"
	_ "github.com/alexedwards/scs/postgresstore"
	_ "github.com/alexedwards/scs/redisstore"
	_ "github.com/alexedwards/scs/sqlite3store"
	_ "github.com/alexedwards/scs/v2"
	_ "github.com/boj/redistore"
	_ "github.com/coatcheck/coatcheck/core"
	_ "github.com/coatcheck/coatcheck/internal/servers"
	_ "github.com/coatcheck/coatcheck/stores/memcachestore"
	_ "github.com/coatcheck/coatcheck/stores/redisstore"
	_ "github.com/gin-contrib/sessions"
	_ "github.com/gofiber/fiber/v2"
	_ "github.com/gofiber/storage/redis/v3"
	_ "github.com/gorilla/sessions"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/labstack/echo-contrib/session"
	_ "github.com/markbates/goth"
	_ "github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"
)
