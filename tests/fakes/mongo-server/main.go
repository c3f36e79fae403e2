// SPDX-License-Identifier: Apache-2.0

// Mongo-server is a server of MongoDB's wire protocol for tests: FerretDB as
// a library, over SQLite files in a folder of the caller's. FerretDB's update
// reads and then writes, so that two at a time would lose one; what clients
// send goes through a gate that lets one command through at a time.
//
// Once it serves, it prints its addresses on a line of its own. SIGUSR1 closes
// its ports and every connection, or opens them again. With -set the addresses
// are those of a replica set's members; SIGUSR2 has another one be primary.
// With -lose, SIGHUP begins to lose connections, or ends it.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// What FerretDB keeps is written before a write is answered, and outlives a
// kill -9. It is not flushed to the disk, which would be for a power cut and
// takes the better part of the time: each statement is a transaction.
var pragmas = url.Values{"_pragma": {"busy_timeout(10000)",
	"journal_mode(wal)", "auto_vacuum(none)", "synchronous(normal)"}}

func main() {
	dir := flag.String("dir", "", "folder for the data (required)")
	addr := flag.String("listen", "127.0.0.1:0",
		"addresses, by commas; port 0: any")
	set := flag.String("set", "", "name of a replica set")
	cert := flag.String("cert", "", "PEM with certificate and key: TLS")
	ca := flag.String("client-ca", "", "PEM: demand client certificates")
	user := flag.String("user", "",
		"NAME:PASSWORD to prove by SCRAM-SHA-256")
	lose := flag.Uint64("lose", 0, "break the connection at every Nth "+
		"write, in turns before it is done and before it is answered, "+
		"from a SIGHUP on")
	flag.Parse()
	log.SetFlags(0)
	log.SetPrefix("mongo-server: ")
	// What runs out of space is told so, as on a full disk.
	signal.Ignore(syscall.SIGXFSZ)
	conf, err := tlsConfig(*cert, *ca)
	if err != nil {
		log.Fatal(err)
	}
	g := &gate{tls: conf, lose: *lose}
	if g.scram, err = newScram(*user); err != nil {
		log.Fatal(err)
	}
	if g.inside, err = startFerretDB(*dir); err != nil {
		log.Fatal(err)
	}
	if err := serve(g, *addr, *set); err != nil {
		log.Fatal(err)
	}
}

// serve opens the gate's doors, and closes or opens them by signals.
func serve(g *gate, addr, set string) error {
	var doors []*door
	for _, a := range strings.Split(addr, ",") {
		doors = append(doors, &door{gate: g, addr: a})
	}
	if set != "" {
		g.set = &replicaSet{name: set, members: doors}
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2,
		syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT)
	if err := turn(doors); err != nil {
		return err
	}
	addrs := []string{}
	for _, d := range doors {
		addrs = append(addrs, d.addr)
	}
	fmt.Println(strings.Join(addrs, ","))
	for s := range signals {
		switch s {
		case syscall.SIGUSR1:
			if err := turn(doors); err != nil {
				return err
			}
		case syscall.SIGUSR2:
			g.set.failOver()
		case syscall.SIGHUP:
			g.losing.Store(!g.losing.Load())
		default:
			return nil
		}
	}
	return nil
}

// turn opens what is closed and closes what is open.
func turn(doors []*door) error {
	for _, d := range doors {
		if d.isOpen() {
			d.close()
		} else if err := d.open(); err != nil {
			return err
		}
	}
	return nil
}

func tlsConfig(cert, ca string) (*tls.Config, error) {
	if cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, cert)
	if err != nil {
		return nil, err
	}
	conf := &tls.Config{Certificates: []tls.Certificate{pair}}
	if ca == "" {
		return conf, nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	conf.ClientCAs = x509.NewCertPool()
	if !conf.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New(ca + ": no certificate")
	}
	conf.ClientAuth = tls.RequireAndVerifyClientCert
	return conf, nil
}

// startFerretDB serves on an abstract socket, which it returns the name of.
func startFerretDB(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("-dir is missing")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	inside := fmt.Sprintf("@quoin-mongo-server-%d", os.Getpid())
	f, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{Unix: inside},
		Handler:   "sqlite",
		SQLiteURL: "file:" + dir + "/?" + pragmas.Encode(),
		Logger: slog.New(slog.NewTextHandler(os.Stderr,
			&slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return "", err
	}
	go func() { log.Fatal("FerretDB ended: ", f.Run(context.Background())) }()
	return inside, nil
}
