package place

import (
	"context"
	"fmt"
	"os"

	"weir/internal/objectstore"
)

// child serves the embedded S3 in a process of its own until its input ends.
func child(dir string) {
	s, err := objectstore.Open(objectstore.Config{Dir: dir, Region: region, AccessKey: accessKey, SecretKey: secretKey})
	if err == nil {
		err = s.CreateBucket(context.Background(), bucketT)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(s.Endpoint())
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		os.Stdin.Read(make([]byte, 1))
		cancel()
	}()
	s.Run(ctx)
	s.Close()
	os.Exit(0)
}
