package organization

import (
	"context"
	"net/http"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

// PushNotification is a push message to a user.
type PushNotification struct {
	UserID   int64  `json:"userId" minimum:"1" maximum:"9007199254740991" doc:"User id"`
	Title    string `json:"title" minLength:"1" maxLength:"128" doc:"Title"`
	Body     string `json:"body" minLength:"1" maxLength:"1024" doc:"Text. It is shortened where a push service takes less"`
	ImageURL string `json:"imageUrl,omitempty" format:"uri" minLength:"1" maxLength:"2048" pattern:"^https://" doc:"Address of an image, https only"`
}

type doneOutput struct{ api.Created }

func notifyOperation() api.Operation {
	return api.Operation{
		ID: "sendPushNotification", Method: http.MethodPost, Path: BasePath + "/users/send-push-notification", Tag: tagNotifications,
		Summary: "Send a push notification",
		Description: "Sends a push message to every device that is registered for a user of the caller's organization or one below it. For a user without devices nothing happens. " +
			"A user-scoped caller needs the permission ORG_NOTIFY_USERS or ORG_EDIT_USERS.",
		Body: PushNotification{},
		BodyExample: PushNotification{
			UserID: 1078, Title: "Device Alert", Body: "The temperature is above 80 °C", ImageURL: "https://example.com/alert.png",
		},
		Status:  http.StatusNoContent,
		Success: "The message was taken, and will be sent",
		Errors:  creationErrors(map[int]string{http.StatusNotFound: errNoUser}),
	}
}

func (d *dialect) notify(ctx context.Context, p *roster.Principal, in *api.Creating) (*doneOutput, error) {
	body, broken := api.Body[PushNotification](ctx)
	w := write(ctx)
	w.Once = in.Once(p, "sendPushNotification", body)
	replayed, err := d.directory.NotifyUser(ctx, p, roster.NotificationForm{
		User: roster.UserID(body.UserID), Title: body.Title, Body: body.Body, ImageURL: body.ImageURL, Broken: broken,
	}, w)
	if err != nil {
		return nil, err
	}
	return &doneOutput{api.CreatedAs(replayed)}, nil
}

// DeviceRegistration is the registration of a device for push messages.
type DeviceRegistration struct {
	Token      string `json:"token" minLength:"1" maxLength:"4096" doc:"What the platform gave to the app: visible ASCII characters"`
	Platform   string `json:"platform,omitempty" enum:"FCM,APNS,APNS_SANDBOX" default:"FCM" doc:"Push service that the token is of"`
	DeviceName string `json:"deviceName,omitempty" minLength:"1" maxLength:"100" doc:"What to call the device"`
}

func deviceOperation() api.Operation {
	return api.Operation{
		ID: "registerDevice", Method: http.MethodPost, Path: BasePath + "/users/fcm-token/register", Tag: tagNotifications,
		Summary: "Register a device for push notifications",
		Description: "Has push messages to the user that the token speaks for sent to a device, and no more to whoever registered the device before. " +
			"A user has at most 20 devices: the one that was registered longest ago makes room. Needs a user-scoped token.",
		Body:        DeviceRegistration{},
		BodyExample: DeviceRegistration{Token: "fGx8Q2mVTkS0:APA91bHun4MxP5egoKMwt2KZFBaFUH", Platform: "FCM", DeviceName: "John's phone"},
		Status:      http.StatusNoContent,
		Success:     "The device is registered",
		Errors: map[int]string{
			http.StatusBadRequest: errInvalidBody + ". A token that the push service does not take breaks a rule, too",
			http.StatusForbidden:  "The token is not user-scoped",
		},
	}
}

func (d *dialect) registerDevice(ctx context.Context, p *roster.Principal, _ *struct{}) (*struct{}, error) {
	body, broken := api.Body[DeviceRegistration](ctx)
	platform, _ := roster.ParsePlatform(or(body.Platform, roster.PlatformFCM.String()))
	return nil, d.directory.RegisterDevice(ctx, p, roster.DeviceForm{
		Token: body.Token, Platform: platform, Name: body.DeviceName, Broken: broken,
	}, write(ctx))
}
