package ec2

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"reflect"
)

// AppendAnswer appends the body of an answer, a pointer to one of this package's
// structs, whose request id it sets. A list without items is an empty element.
func AppendAnswer(b []byte, answer any, request string) ([]byte, error) {
	v := reflect.ValueOf(answer).Elem()
	name, ok := v.Type().FieldByName("XMLName")
	common := v.FieldByName("Common")
	if !ok || !common.IsValid() {
		return b, fmt.Errorf("ec2: %T is no answer", answer)
	}
	common.Set(reflect.ValueOf(Common{request}))
	start := xml.StartElement{Name: xml.Name{Space: Namespace, Local: name.Tag.Get("xml")}}
	out := bytes.NewBuffer(append(b, xml.Header...))
	enc := xml.NewEncoder(out)
	if err := enc.EncodeElement(answer, start); err != nil {
		return b, fmt.Errorf("ec2: write %s: %w", start.Name.Local, err)
	}
	return out.Bytes(), nil
}
