package main

import (
	"weir/internal/ec2"
	"weir/internal/eni"
)

// What weir interfaces --json prints: the names of the AWS CLI, and Service.
type (
	interfacesJSON struct {
		NetworkInterfaces []interfaceJSON `json:"NetworkInterfaces"`
	}
	interfaceJSON struct {
		ID                 string               `json:"NetworkInterfaceId"`
		Service            string               `json:"Service,omitempty"` // ours
		InterfaceType      string               `json:"InterfaceType,omitempty"`
		Status             string               `json:"Status"`
		Description        string               `json:"Description"`
		OwnerID            string               `json:"OwnerId"`
		RequesterID        string               `json:"RequesterId,omitempty"`
		RequesterManaged   bool                 `json:"RequesterManaged"`
		VPCID              string               `json:"VpcId,omitempty"`
		SubnetID           string               `json:"SubnetId,omitempty"`
		AvailabilityZone   string               `json:"AvailabilityZone,omitempty"`
		AvailabilityZoneID string               `json:"AvailabilityZoneId,omitempty"`
		MACAddress         string               `json:"MacAddress,omitempty"`
		PrivateIPAddress   string               `json:"PrivateIpAddress,omitempty"`
		PrivateDNSName     string               `json:"PrivateDnsName,omitempty"`
		SourceDestCheck    bool                 `json:"SourceDestCheck"`
		Groups             []groupJSON          `json:"Groups"`
		Attachment         *attachmentJSON      `json:"Attachment,omitempty"`
		Association        *associationJSON     `json:"Association,omitempty"`
		PrivateIPAddresses []privateAddressJSON `json:"PrivateIpAddresses"`
		IPv6Addresses      []ipv6AddressJSON    `json:"Ipv6Addresses"`
		Tags               []tagJSON            `json:"TagSet"`
	}
	groupJSON struct {
		ID   string `json:"GroupId"`
		Name string `json:"GroupName"`
	}
	attachmentJSON struct {
		ID              string `json:"AttachmentId,omitempty"`
		InstanceID      string `json:"InstanceId,omitempty"`
		InstanceOwnerID string `json:"InstanceOwnerId,omitempty"`
		DeviceIndex     int    `json:"DeviceIndex"`
		Status          string `json:"Status"`
	}
	associationJSON struct {
		PublicIP      string `json:"PublicIp"`
		PublicDNSName string `json:"PublicDnsName,omitempty"`
		IPOwnerID     string `json:"IpOwnerId,omitempty"`
	}
	privateAddressJSON struct {
		PrivateIPAddress string           `json:"PrivateIpAddress"`
		Primary          bool             `json:"Primary"`
		Association      *associationJSON `json:"Association,omitempty"`
	}
	ipv6AddressJSON struct {
		IPv6Address string `json:"Ipv6Address"`
		Primary     bool   `json:"IsPrimaryIpv6"`
	}
)

func interfacesToJSON(list []ec2.NetworkInterface) interfacesJSON {
	out := interfacesJSON{NetworkInterfaces: make([]interfaceJSON, 0, len(list))}
	for n := range list {
		out.NetworkInterfaces = append(out.NetworkInterfaces, interfaceToJSON(&list[n]))
	}
	return out
}

func interfaceToJSON(i *ec2.NetworkInterface) interfaceJSON {
	out := interfaceJSON{
		ID: i.ID, Service: eni.Service(i), InterfaceType: i.InterfaceType, Status: i.Status, Description: i.Description,
		OwnerID: i.OwnerID, RequesterID: i.RequesterID, RequesterManaged: i.RequesterManaged,
		VPCID: i.VPCID, SubnetID: i.SubnetID, AvailabilityZone: i.AvailabilityZone, AvailabilityZoneID: i.AvailabilityZoneID,
		MACAddress: i.MACAddress, PrivateIPAddress: i.PrivateIPAddress, PrivateDNSName: i.PrivateDNSName,
		SourceDestCheck: i.SourceDestCheck, Tags: tagsJSON(i.Tags), Association: associationToJSON(i.Association),
		Groups: []groupJSON{}, PrivateIPAddresses: []privateAddressJSON{}, IPv6Addresses: []ipv6AddressJSON{},
	}
	if a := i.Attachment; a != nil {
		out.Attachment = &attachmentJSON{a.ID, a.InstanceID, a.InstanceOwnerID, a.DeviceIndex, a.Status}
	}
	for _, g := range i.Groups {
		out.Groups = append(out.Groups, groupJSON{g.ID, g.Name})
	}
	for _, a := range i.PrivateIPAddresses {
		out.PrivateIPAddresses = append(out.PrivateIPAddresses,
			privateAddressJSON{a.PrivateIPAddress, a.Primary, associationToJSON(a.Association)})
	}
	for _, a := range i.IPv6Addresses {
		out.IPv6Addresses = append(out.IPv6Addresses, ipv6AddressJSON{a.IPv6Address, a.Primary})
	}
	return out
}

func associationToJSON(a *ec2.Association) *associationJSON {
	if a == nil {
		return nil
	}
	return &associationJSON{a.PublicIP, a.PublicDNSName, a.IPOwnerID}
}
