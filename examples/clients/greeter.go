// Calls, subscribes and registers at the desktop it runs on, in Go with nexus.
//
// usage: greeter SOCKET      $XDG_RUNTIME_DIR/deskconn/deskconn.sock
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/gammazero/nexus/v3/client"
	"github.com/gammazero/nexus/v3/wamp"
)

func main() {
	ctx := context.Background()
	desktop, err := client.ConnectNet(ctx, "unix://"+os.Args[1], client.Config{Realm: "deskconn"})
	if err != nil {
		log.Fatal(err)
	}
	result, err := desktop.Call(ctx, "org.deskconn.info.get", nil, nil, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	info, _ := wamp.AsDict(result.Arguments[0])
	fmt.Println("joined", info["name"], "as", info["role"])
	news := func(event *wamp.Event) { fmt.Println("news:", event.Arguments[0]) }
	if err := desktop.Subscribe("org.deskconn.app.news", news, nil); err != nil {
		log.Fatal(err)
	}
	greet := func(_ context.Context, call *wamp.Invocation) client.InvokeResult {
		return client.InvokeResult{Args: wamp.List{fmt.Sprintf("Hello, %v!", call.Arguments[0])}}
	}
	if err := desktop.Register("org.deskconn.app.greet", greet, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	<-desktop.Done()
}
