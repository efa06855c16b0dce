package people

import "strings"

// culture is a stock of names that go together, most common first: how often a name is drawn falls with its rank
// (Zipf). A name that is not written in Latin letters has its Latin spelling after a slash, for e-mail addresses.
type culture struct {
	first, last string
}

// The cultures. Together they hold some 300 first and 500 last names.
const (
	english = iota
	spanish
	german
	french
	portuguese
	italian
	nordic
	polish
	ukrainian
	japanese
	greek
	turkish
	indian
	vietnamese
	chinese
	cultureCount
)

func cultures() [cultureCount]culture {
	return [cultureCount]culture{
		english: {
			first: `James Mary Ann Robert John Patricia Michael Jennifer David Linda William Elizabeth Richard Barbara Joseph Susan
				Thomas Jessica Christopher Sarah Daniel Karen Matthew Nancy Anthony Lisa Mark Betty Steven Margaret Paul Sandra
				Andrew Ashley Joshua Kimberly Kevin Emily Brian Donna George Michelle Edward Carol Ronald Amanda Timothy Melissa
				Jason Deborah Jeffrey Stephanie Ryan Rebecca Jacob Sharon Gary Laura Quentin Siobhán`,
			last: `Smith Johnson Williams Brown Jones Davis Miller Wilson Anderson Taylor Thomas Moore Jackson Martin Lee Thompson
				White Harris Clark Lewis Robinson Walker Young Allen King Wright Scott Hill Green Adams Nelson Baker Hall Campbell
				Mitchell Carter Roberts Phillips Evans Turner Parker Collins Edwards Stewart Morris Murphy Cook Rogers Morgan
				Cooper Peterson Bailey Reed Kelly Howard Kim Cox Ward Richardson Watson Brooks Wood James Bennett Gray Hughes
				Price Myers Long Foster Sanders Ross Powell Sullivan Russell Jenkins Perry Butler Barnes Fisher Henderson Coleman
				Simmons Patterson Jordan Reynolds Hamilton Graham Wallace O'Brien O'Connor McCarthy Hawkins Quigley Ashworth
				Blackwood Fairfax Holloway Kingsley Langford Merriweather Pemberton Quick Thornbury Whitaker Yates`,
		},
		spanish: {
			first: `José María Ana Juan Carmen Luis Carlos Sofía Miguel Lucía Javier Elena Xavier Isabel Diego Paula Alejandro
				Valentina Andrés Camila Fernando Marta Raúl Pilar Íñigo Begoña Ximena Joaquín Ángela Nuria`,
			last: `García Reyes Rodríguez Martínez Hernández López González Pérez Sánchez Ramírez Torres Flores Rivera Gómez Díaz
				Cruz Morales Ortiz Gutiérrez Chávez Ramos Ruiz Álvarez Mendoza Vásquez Castillo Jiménez Moreno Romero Herrera
				Medina Aguilar Vargas Castro Guzmán Fernández Muñoz Salazar Ortega Delgado Rojas Guerrero Domínguez Peña Ibáñez
				Núñez Cortés Santiago Velasco Quintana Zúñiga Xirau Echeverría Goñi Urrutia`,
		},
		german: {
			first: `Anna Peter Maria Thomas Julia Michael Sabine Andreas Katharina Stefan Jürgen Ute Wolfgang Annika Lukas Lena
				Jörg Heike Matthias Franziska Günter Käthe Xaver Annegret`,
			last: `Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf
				Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Krause Lehmann Köhler Maier Walter
				König Weiß Jäger Groß Böhm Vogel Quandt Grünewald Übelacker Österreicher`,
		},
		french: {
			first: `Marie Jean Anne Pierre Camille Michel Chloé Philippe Léa François Hélène Étienne Zoé Benoît Amélie Gaëlle Loïc
				Noémie Mathéo Joséphine Anaïs Cédric Quitterie Françoise`,
			last: `Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefebvre Michel Roux Fournier
				Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Faure Mercier Guérin Boyer Chevalier François Gauthier
				Lefèvre Béranger Hervé Noël Quéré L'Hostis`,
		},
		portuguese: {
			first: `João Ana António Mariana Pedro Beatriz Gonçalo Inês Tiago Joana Luís Catarina Conceição Simão Letícia Thaís
				Vinícius Xandra`,
			last: `Silva Santos Oliveira Souza Rodrigues Ferreira Alves Pereira Lima Gomes Costa Ribeiro Martins Carvalho Almeida
				Lopes Soares Fernandes Vieira Barbosa Rocha Dias Nascimento Araújo Magalhães Guimarães Conceição Simões`,
		},
		italian: {
			first: `Giulia Marco Francesca Alessandro Chiara Luca Sara Matteo Elena Davide Federica Niccolò Martina Simone Giosuè
				Annalisa Ludovica Quirino`,
			last: `Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti De_Luca Mancini Costa
				Giordano Rizzo Lombardi Moretti Barbieri Fontana Santoro Mariani D'Angelo Cattaneo Quaranta Nicolò`,
		},
		nordic: {
			first: `Anna Erik Maria Lars Karin Anders Ingrid Johan Kristina Mikael Lena Björn Åsa Søren Mette Jørgen Astrid Väinö
				Aino Håkon Øyvind Sigríður Märta Göran`,
			last: `Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Hansen Johansen Olsen
				Larsen Andersen Nielsen Jensen Pedersen Lindquist Almquist Bergström Sjöberg Åkesson Öberg Sørensen Jørgensen
				Bjørnstad Korhonen Virtanen Mäkinen Hämäläinen Järvinen Guðmundsdóttir Nordqvist Ödman Ågren`,
		},
		polish: {
			first: `Anna Jan Katarzyna Piotr Małgorzata Paweł Agnieszka Tomáš Zuzana Łukasz Jiří Kateřina Stanisław Bożena Zdeněk
				Šárka Wojciech Żaneta Ondřej Eliška`,
			last: `Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowski
				Jankowski Mazur Krawczyk Novák Svoboda Dvořák Černý Procházka Kučera Veselý Horák Němec Pokorný Růžička Šťastný
				Jabłoński Łęcki Żuławski Gołębiewski Świątek`,
		},
		ukrainian: {
			first: `Олександр/oleksandr Олена/olena Андрій/andrii Наталія/nataliia Сергій/serhii Тетяна/tetiana Дмитро/dmytro
				Ірина/iryna Іван/ivan Оксана/oksana Юрій/yurii Марія/mariia Тарас/taras Людмила/liudmyla Богдан/bohdan Анна/anna
				Ярослав/yaroslav Софія/sofiia Остап/ostap Їна/yina`,
			last: `Мельник/melnyk Шевченко/shevchenko Коваленко/kovalenko Бондаренко/bondarenko Бойко/boiko Ткаченко/tkachenko
				Кравченко/kravchenko Ковальчук/kovalchuk Коваль/koval Олійник/oliinyk Шевчук/shevchuk Поліщук/polishchuk
				Лисенко/lysenko Савченко/savchenko Руденко/rudenko Марченко/marchenko Мороз/moroz Петренко/petrenko
				Клименко/klymenko Павленко/pavlenko Кузьменко/kuzmenko Гончаренко/honcharenko Левченко/levchenko Пономаренко/ponomarenko
				Хоменко/khomenko Сидоренко/sydorenko Яременко/yaremenko Ґудзь/gudz Їжакевич/yizhakevych Щербак/shcherbak`,
		},
		japanese: {
			first: `太郎/taro 花子/hanako 健一/kenichi 美咲/misaki 翔太/shota さくら/sakura 大輔/daisuke 陽子/yoko 誠/makoto 由美/yumi
				拓也/takuya 愛/ai 直樹/naoki 恵子/keiko ひなた/hinata ケン/ken`,
			last: `佐藤/sato 鈴木/suzuki 高橋/takahashi 田中/tanaka 伊藤/ito 渡辺/watanabe 山本/yamamoto 中村/nakamura 小林/kobayashi
				加藤/kato 吉田/yoshida 山田/yamada 佐々木/sasaki 山口/yamaguchi 松本/matsumoto 井上/inoue 木村/kimura 林/hayashi
				清水/shimizu 斎藤/saito 阿部/abe 森/mori 池田/ikeda 橋本/hashimoto 石川/ishikawa 藤田/fujita`,
		},
		greek: {
			first: `Γιώργος/giorgos Μαρία/maria Δημήτρης/dimitris Ελένη/eleni Νίκος/nikos Κατερίνα/katerina Σπύρος/spyros
				Αγγελική/angeliki Αναξίμανδρος/anaximandros Θεοδώρα/theodora`,
			last: `Παπαδόπουλος/papadopoulos Γεωργίου/georgiou Νικολάου/nikolaou Δημητρίου/dimitriou Παπαδάκης/papadakis Ιωάννου/ioannou
				Βασιλείου/vasileiou Αντωνίου/antoniou Κωνσταντίνου/konstantinou Μακρής/makris Ζαχαρίου/zachariou Οικονόμου/oikonomou
				Ράπτης/raptis Λάμπρου/lamprou Ξενάκης/xenakis Ψαράς/psaras`,
		},
		turkish: {
			first: `Mehmet Fatma Mustafa Ayşe Ahmet Emine Ali Zeynep Hüseyin Elif İbrahim Çiğdem`,
			last: `Yılmaz Kaya Demir Şahin Çelik Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç
				Işık`,
		},
		indian: {
			first: `Aarav Priya Rahul Ananya Arjun Pooja Vikram Neha Sanjay Kavya Rohan Divya Amit Sneha Karthik Meera Suresh
				Lakshmi Aditya Qasim`,
			last: `Sharma Patel Singh Kumar Gupta Reddy Iyer Nair Joshi Mehta Desai Rao Verma Shah Chopra Malhotra Kapoor Bose
				Banerjee Mukherjee Pillai Menon Kulkarni Agarwal Srinivasan Venkataraman Qureshi Fernandes`,
		},
		vietnamese: {
			first: `Anh Minh Hương Tuấn Linh Đức Thảo Hùng Ngọc Phương`,
			last:  `Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ`,
		},
		chinese: {
			first: `伟/wei 芳/fang 娜/na 敏/min 静/jing 丽/li 强/qiang 磊/lei 晓明/xiaoming 雪/xue`,
			last: `王/wang 李/li 张/zhang 刘/liu 陈/chen 杨/yang 赵/zhao 黄/huang 周/zhou 吴/wu 徐/xu 孙/sun 胡/hu 朱/zhu 高/gao
				林/lin`,
		},
	}
}

// name is one given or family name: as its bearer writes it, and in the ASCII letters of an e-mail address.
type name struct {
	text, slug string
}

// parseNames reads the names of one of the lists above.
func parseNames(list string) []name {
	fields := strings.Fields(list)
	names := make([]name, len(fields))
	for i, field := range fields {
		text, slug, latin := strings.Cut(field, "/")
		text = strings.ReplaceAll(text, "_", " ")
		if !latin {
			slug = slugOf(text)
		}
		names[i] = name{text, slug}
	}
	return names
}

// slugOf spells a Latin text in lower-case ASCII letters and digits. Marks on letters are dropped, everything else that
// is not a letter or digit disappears.
func slugOf(text string) string {
	const accented = "áàâãäåāąạảấầẩẫậắằẵçćčĉðďđéèêëēęěẹẻẽếềểệíìîïīıịłľñńňóòôõöøōọỏốồổỗộớờởřśšşșťúùûüūůụủứừửữựýÿźžżğ"
	const plain = "aaaaaaaaaaaaaaaaaaccccdddeeeeeeeeeeeeeeiiiiiiillnnnooooooooooooooooorsssstuuuuuuuuuuuuuyyzzzg"
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			b.WriteRune(r)
		case r == 'ß':
			b.WriteString("ss")
		case r == 'æ':
			b.WriteString("ae")
		case r == 'þ':
			b.WriteString("th")
		default:
			n := 0
			for _, a := range accented {
				if a == r {
					b.WriteByte(plain[n])
					break
				}
				n++
			}
		}
	}
	return b.String()
}
