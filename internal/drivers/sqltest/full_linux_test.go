package sqltest

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/coatcheck/coatcheck/internal/servers"
)

// TestFullPostgreSQL has a small disk for the table. It needs the right to mount one.
func TestFullPostgreSQL(t *testing.T) {
	server := servers.PostgreSQL(t)
	d := onPostgreSQL(server, "")
	db := d.open(t)
	run(t, db, "CREATE TABLESPACE small LOCATION '"+smallDisk(t, server.Dir+"-disk", server.Dir)+"'")
	run(t, db, "ALTER ROLE postgres SET default_tablespace = small")
	s, _ := d.migrated(t)
	testFull(t, s)
}

// smallDisk mounts a file system that belongs to whom like belongs to.
func smallDisk(t *testing.T, disk, like string) string {
	t.Helper()
	var owner syscall.Stat_t
	must(t, syscall.Stat(like, &owner))
	must(t, os.Mkdir(disk, 0o700))
	t.Cleanup(func() { must(t, os.Remove(disk)) })
	options := fmt.Sprintf("size=8m,mode=0700,uid=%d,gid=%d", owner.Uid, owner.Gid)
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, options); err != nil {
		t.Skipf("NOT TESTED: no file system can be mounted here (%v)", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	return disk
}
