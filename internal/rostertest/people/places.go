package people

import "strings"

// country is where people live: everything about them that follows from it.
type country struct {
	name    string
	culture int
	weight  int // people per 100 of a population without organizations of its own
	locale  string
	prefix  string // of phone numbers, with the plus sign
	digits  int    // of a phone number after the prefix
	zip     string // # stands for a digit, A for a letter
	streets string
	cities  string // City|State|Time zone, separated by semicolons
}

func countries() []country {
	return []country{
		{"United States", english, 24, "en_US", "+1", 10, "#####", "Main Street;Oak Avenue;Maple Drive;Second Street;Washington Boulevard",
			"New York|NY|America/New_York;Chicago|IL|America/Chicago;Denver|CO|America/Denver;San Francisco|CA|America/Los_Angeles;Boston|MA|America/New_York;Austin|TX|America/Chicago;Seattle|WA|America/Los_Angeles"},
		{"United Kingdom", english, 9, "en_GB", "+44", 10, "AA# #AA", "High Street;Station Road;Church Lane;Victoria Road",
			"London|England|Europe/London;Manchester|England|Europe/London;Edinburgh|Scotland|Europe/London;Cardiff|Wales|Europe/London"},
		{"Canada", english, 4, "en_CA", "+1", 10, "A#A #A#", "King Street;Yonge Street;Granville Street",
			"Toronto|Ontario|America/Toronto;Vancouver|British Columbia|America/Vancouver;Halifax|Nova Scotia|America/Halifax"},
		{"Australia", english, 3, "en_AU", "+61", 9, "####", "George Street;Collins Street;Beach Road",
			"Sydney|New South Wales|Australia/Sydney;Perth|Western Australia|Australia/Perth;Brisbane|Queensland|Australia/Brisbane"},
		{"Ireland", english, 2, "en_IE", "+353", 9, "A## A###", "O'Connell Street;Patrick Street",
			"Dublin|Leinster|Europe/Dublin;Cork|Munster|Europe/Dublin"},
		{"Spain", spanish, 5, "es_ES", "+34", 9, "#####", "Calle Mayor;Gran Vía;Avenida de la Constitución",
			"Madrid|Madrid|Europe/Madrid;Barcelona|Cataluña|Europe/Madrid;Málaga|Andalucía|Europe/Madrid"},
		{"Mexico", spanish, 6, "es_MX", "+52", 10, "#####", "Avenida Juárez;Calle Hidalgo;Paseo de la Reforma",
			"Ciudad de México|CDMX|America/Mexico_City;Monterrey|Nuevo León|America/Monterrey;Tijuana|Baja California|America/Tijuana"},
		{"Argentina", spanish, 2, "es_AR", "+54", 10, "A####AAA", "Avenida Corrientes;Calle Florida",
			"Buenos Aires|CABA|America/Argentina/Buenos_Aires;Córdoba|Córdoba|America/Argentina/Cordoba"},
		{"Germany", german, 7, "de_DE", "+49", 10, "#####", "Hauptstraße;Bahnhofstraße;Lindenweg;Gartenstraße",
			"Berlin|Berlin|Europe/Berlin;München|Bayern|Europe/Berlin;Hamburg|Hamburg|Europe/Berlin;Köln|Nordrhein-Westfalen|Europe/Berlin"},
		{"Austria", german, 1, "de_AT", "+43", 10, "####", "Ringstraße;Mozartgasse", "Wien|Wien|Europe/Vienna;Graz|Steiermark|Europe/Vienna"},
		{"Switzerland", german, 1, "de_CH", "+41", 9, "####", "Seestrasse;Bahnhofstrasse", "Zürich|Zürich|Europe/Zurich;Basel|Basel-Stadt|Europe/Zurich"},
		{"France", french, 6, "fr_FR", "+33", 9, "#####", "Rue de la Paix;Avenue Victor Hugo;Rue des Écoles",
			"Paris|Île-de-France|Europe/Paris;Lyon|Auvergne-Rhône-Alpes|Europe/Paris;Nîmes|Occitanie|Europe/Paris"},
		{"Portugal", portuguese, 1, "pt_PT", "+351", 9, "####-###", "Rua Augusta;Avenida da Liberdade", "Lisboa|Lisboa|Europe/Lisbon;Porto|Porto|Europe/Lisbon"},
		{"Brazil", portuguese, 5, "pt_BR", "+55", 11, "#####-###", "Avenida Paulista;Rua das Flores",
			"São Paulo|SP|America/Sao_Paulo;Rio de Janeiro|RJ|America/Sao_Paulo;Manaus|AM|America/Manaus"},
		{"Italy", italian, 4, "it_IT", "+39", 10, "#####", "Via Roma;Via Garibaldi;Corso Italia", "Roma|Lazio|Europe/Rome;Milano|Lombardia|Europe/Rome;Napoli|Campania|Europe/Rome"},
		{"Sweden", nordic, 2, "sv_SE", "+46", 9, "### ##", "Storgatan;Drottninggatan", "Stockholm|Stockholm|Europe/Stockholm;Malmö|Skåne|Europe/Stockholm"},
		{"Norway", nordic, 1, "nb_NO", "+47", 8, "####", "Karl Johans gate;Strandgaten", "Oslo|Oslo|Europe/Oslo;Tromsø|Troms|Europe/Oslo"},
		{"Denmark", nordic, 1, "da_DK", "+45", 8, "####", "Nørregade;Vestergade", "København|Hovedstaden|Europe/Copenhagen;Århus|Midtjylland|Europe/Copenhagen"},
		{"Poland", polish, 3, "pl_PL", "+48", 9, "##-###", "ulica Długa;ulica Kościuszki", "Warszawa|Mazowieckie|Europe/Warsaw;Łódź|Łódzkie|Europe/Warsaw;Gdańsk|Pomorskie|Europe/Warsaw"},
		{"Ukraine", ukrainian, 4, "uk_UA", "+380", 9, "#####", "вулиця Шевченка;вулиця Соборна", "Київ|Київ|Europe/Kyiv;Львів|Львівська область|Europe/Kyiv;Одеса|Одеська область|Europe/Kyiv"},
		{"Japan", japanese, 3, "ja_JP", "+81", 10, "###-####", "中央通り;駅前通り", "東京|東京都|Asia/Tokyo;大阪|大阪府|Asia/Tokyo;札幌|北海道|Asia/Tokyo"},
		{"Greece", greek, 1, "el_GR", "+30", 10, "### ##", "Ερμού;Πανεπιστημίου", "Αθήνα|Αττική|Europe/Athens;Θεσσαλονίκη|Κεντρική Μακεδονία|Europe/Athens"},
		{"Türkiye", turkish, 2, "tr_TR", "+90", 10, "#####", "Atatürk Caddesi;İstiklal Caddesi", "İstanbul|İstanbul|Europe/Istanbul;Ankara|Ankara|Europe/Istanbul"},
		{"India", indian, 6, "en_IN", "+91", 10, "######", "MG Road;Park Street;Nehru Marg", "Mumbai|Maharashtra|Asia/Kolkata;Bengaluru|Karnataka|Asia/Kolkata;Chennai|Tamil Nadu|Asia/Kolkata"},
		{"Vietnam", vietnamese, 1, "vi_VN", "+84", 9, "######", "Đường Lê Lợi;Đường Nguyễn Huệ", "Hà Nội|Hà Nội|Asia/Ho_Chi_Minh;Đà Nẵng|Đà Nẵng|Asia/Ho_Chi_Minh"},
		{"China", chinese, 2, "zh_CN", "+86", 11, "######", "人民路;解放路", "上海|上海市|Asia/Shanghai;深圳|广东省|Asia/Shanghai"},
	}
}

type city struct {
	name, state, zone string
}

// place is a country made ready to draw from.
type place struct {
	country
	streetNames []string
	cityList    []city
}

func places() []place {
	list := countries()
	ready := make([]place, len(list))
	for i, c := range list {
		p := place{country: c, streetNames: strings.Split(c.streets, ";")}
		for entry := range strings.SplitSeq(c.cities, ";") {
			part := strings.Split(entry, "|")
			p.cityList = append(p.cityList, city{part[0], part[1], part[2]})
		}
		ready[i] = p
	}
	return ready
}

// companies are the first words of the names of root organizations.
const companies = `Harborline Northfield Bluepeak Copperhill Silverbirch Redwood Lakeshore Stonegate Brightwater Ironbridge Clearview
	Westmark Fairhaven Goldcrest Oakmont Riverstone Summit Evergreen Cobalt Meridian Tidewater Foxglove Lantern Juniper`

// trades are the second words.
const trades = `Logistics Energy Foods Systems Textiles Robotics Health Instruments Media Marine Motors Foundry Packaging Water`

// units are the names of the organizations at the bottom of a tree.
const units = `Warehouse;Sales;Support;Laboratory;Workshop;Operations;Training Centre;Service Desk;Assembly;Dispatch;Quality;Showroom;Procurement;Field Service;Data Centre;Maintenance`

// department is a part of a company and the work done there.
type department struct {
	name, sub, titles string
}

func departments() []department {
	return []department{
		{"Engineering", "Platform;Mobile;Firmware;Data", "Software Engineer;Site Reliability Engineer;Firmware Engineer;Data Engineer;Test Engineer"},
		{"Operations", "Logistics;Facilities;Field Service", "Operations Analyst;Warehouse Supervisor;Field Technician;Dispatcher;Shift Planner"},
		{"Sales", "Key Accounts;Inside Sales;Partners", "Account Executive;Sales Engineer;Account Manager;Sales Assistant"},
		{"Customer Support", "First Line;Second Line", "Support Specialist;Customer Success Manager;Service Desk Agent"},
		{"Finance", "Accounting;Controlling", "Accountant;Controller;Financial Analyst;Payroll Specialist"},
		{"Human Resources", "Recruiting;People Care", "Recruiter;HR Business Partner;Training Coordinator"},
		{"Marketing", "Brand;Product Marketing", "Marketing Manager;Copywriter;Designer"},
		{"Legal", "Contracts;Privacy", "Counsel;Paralegal;Privacy Officer"},
		{"Research", "Materials;Algorithms", "Scientist;Research Assistant;Laboratory Technician"},
	}
}

// seniority is a rank and the word it puts before a title.
type seniority struct {
	name, prefix string
}

func seniorities() []seniority {
	return []seniority{
		{"Junior", "Junior "}, {"Mid", ""}, {"Mid", ""}, {"Senior", "Senior "}, {"Lead", "Lead "}, {"Principal", "Principal "},
	}
}

const pods = `Aurora;Borealis;Comet;Delta;Eclipse;Falcon;Glacier;Horizon`
